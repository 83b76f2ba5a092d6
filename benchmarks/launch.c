/* Starts one program, waits for it and for everything it leaves behind, and writes what the kernel accounts for them.

   usage: launch RESULT PROGRAM [ARGUMENT...]
   RESULT gets one line: status, wall of the program, wall until nothing was left (s), CPU of the program with what it waited for,
   CPU of all (s), largest single process of the program, of all (ru_maxrss as the system counts it).
   It is small so that its own memory, which a child's account begins with, does not hide that of small programs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static double cpu(const struct rusage *use) {
  return (double)(use->ru_utime.tv_sec + use->ru_stime.tv_sec) + (double)(use->ru_utime.tv_usec + use->ru_stime.tv_usec) / 1e6;
}

int main(int count, char **argument) {
  double began, wall = 0, own = 0, all = 0;
  long peak = 0, peak_all = 0;
  int status = 0, left;
  struct rusage use;
  pid_t child, ended;
  FILE *result;

  if (count < 3) return 2;
#ifdef __linux__
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
#endif
  began = now();
  child = fork();
  if (child == 0) {
    execvp(argument[2], argument + 2);
    _exit(127);
  }
  if (child < 0) return 3;
  while ((ended = wait4(-1, &left, 0, &use)) > 0 || (ended < 0 && errno == EINTR)) {
    if (ended < 0) continue;
    all += cpu(&use);
    if (use.ru_maxrss > peak_all) peak_all = use.ru_maxrss;
    if (ended == child) {
      wall = now() - began;
      own = cpu(&use);
      peak = use.ru_maxrss;
      status = WIFEXITED(left) ? WEXITSTATUS(left) : 128 + WTERMSIG(left);
    }
  }
  result = fopen(argument[1], "w");
  if (!result) return 4;
  fprintf(result, "%d %.6f %.6f %.6f %.6f %ld %ld\n", status, wall, now() - began, own, all, peak, peak_all);
  return fclose(result) ? 4 : 0;
}
