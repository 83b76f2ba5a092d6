/* Counts the state-changing libc calls of a process tree and, when told to, kills, fails, shortens or logs them.

   Loaded by LD_PRELOAD. What it does stands in a control file of a fixed size that all processes of the tree map (PROOF_SHIM);
   its layout is `struct control` here and LAYOUT in shim.py. Python, Git and shells call the functions below through their
   tables of imports, so that each call comes by here; a program that is linked statically does not, and shows as a count of 0. */

#define _GNU_SOURCE
#include <alloca.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OFF, COUNT, KILL, FAIL, SHORT };
enum {
    C_OPEN = 1, C_WRITE = 2, C_RENAME = 4, C_LINK = 8, C_UNLINK = 16, C_MKDIR = 32, C_TRUNCATE = 64,
    C_SYNC = 128, C_MODE = 256, C_SPAWN = 512, C_SIGNAL = 1024, C_READ = 2048,
};

struct control {
    char magic[8];
    uint32_t mode, at, sticky, group;
    int32_t error;
    uint32_t classes;
    uint64_t count, fired;
    char only[512], never[512], follow[512], ignore[512], under[512], log[512], what[1024];
};

static struct control *ctl;
static char ctl_path[PATH_MAX], self_path[PATH_MAX];
static int counted;

static long (*next_syscall)(long, ...);
#define RESOLVE(name) \
    __extension__({ if (!next_##name) next_##name = (__typeof__(next_##name))dlsym(RTLD_NEXT, #name); next_##name; })
#define RAW(...) (RESOLVE(syscall)(__VA_ARGS__))

/* Whether one of the lines of a list is a part of the text. */
static int listed(const char *list, const char *text) {
    char part[512];
    while (*list) {
        size_t n = strcspn(list, "\n");
        if (n && n < sizeof part) {
            memcpy(part, list, n);
            part[n] = 0;
            if (strstr(text, part)) return 1;
        }
        list += n + (list[n] == '\n');
    }
    return 0;
}

/* Whether a path is the system's own; files in memory are files. */
static int apart(const char *path) {
    return listed("/proc/\n__pycache__", path) || (strstr(path, "/dev/") && strncmp(path, "/dev/shm/", 9));
}

static int map_control(const char *path) {
    int fd = (int)RAW(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) return -1;
    void *page = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    RAW(SYS_close, fd);
    if (page == MAP_FAILED || memcmp(page, "PROOFS1", 8)) return -1;
    ctl = page;
    snprintf(ctl_path, sizeof ctl_path, "%s", path);
    return 0;
}

/* For a process that was forked, not executed: take a control file and be counted or not. */
__attribute__((visibility("default"))) int proof_attach(const char *path, int count_me) {
    if (map_control(path)) return -1;
    counted = count_me;
    return 0;
}

static void command_line(char *into, size_t size) {
    int fd = (int)RAW(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0);
    long n = fd < 0 ? 0 : RAW(SYS_read, fd, into, size - 1);
    if (fd >= 0) RAW(SYS_close, fd);
    if (n < 0) n = 0;
    for (long i = 0; i < n; i++)
        if (!into[i]) into[i] = ' ';
    into[n] = 0;
}

__attribute__((constructor)) static void begin(void) {
    static char line[65536];
    Dl_info here;
    int kept = errno;
    if (dladdr((void *)&begin, &here) && here.dli_fname) snprintf(self_path, sizeof self_path, "%s", here.dli_fname);
    const char *path = getenv("PROOF_SHIM"), *in = getenv("PROOF_SHIM_IN");
    if (path && !map_control(path)) {
        command_line(line, sizeof line);
        counted = in ? *in == '1' : !ctl->only[0];
        if (listed(ctl->only, line)) counted = 1;
        if (listed(ctl->never, line)) counted = 0;
    }
    errno = kept;
}

static void absolute(char *into, int dir, const char *path) {
    char link[64];
    long n = 0;
    if (!path) path = "";
    if (*path == '/') { snprintf(into, PATH_MAX, "%s", path); return; }
    if (dir == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    n = RAW(SYS_readlinkat, AT_FDCWD, link, into, PATH_MAX - 2);
    if (n < 0) n = 0;
    into[n] = 0;
    if (*path) snprintf(into + n, PATH_MAX - n, "/%s", path);
}

static void log_call(uint64_t seq, const char *name, const char *one, const char *two, int fd, long result, int error,
                     const void *data, size_t size, long offset) {
    static __thread char line[2 * PATH_MAX + 256];
    struct stat about;
    long inode = fd >= 0 && !RAW(SYS_fstat, fd, &about) ? (long)about.st_ino : -1;
    int out = (int)RAW(SYS_openat, AT_FDCWD, ctl->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (out < 0) return;
    int n = snprintf(line, sizeof line, "%lu\t%d\t%s\t%ld\t%d\t%d\t%ld\t%ld\t%zu\t%zu\t%zu\n", seq, getpid(), name, result,
                     error, fd, inode, offset, strlen(one), strlen(two), size);
    struct iovec parts[5] = {{line, n}, {(void *)one, strlen(one)}, {(void *)two, strlen(two)}, {(void *)data, size}, {"\n", 1}};
    RAW(SYS_writev, out, parts, 5);
    RAW(SYS_close, out);
}

static void die(void) {
    RAW(SYS_kill, ctl->group ? 0 : getpid(), SIGKILL);
    for (;;) RAW(SYS_ppoll, 0, 0, 0, 0);
}

struct call {
    uint64_t seq;
    char one[PATH_MAX], two[PATH_MAX];
    int fd, seen;
};

/* Meet a call: returns 0 to go on, 1 to fail with errno set, 2 to write less; kills where told to. */
static int meet(struct call *c, uint32_t class, const char *name, int dir, const char *one, int dir2, const char *two, int fd) {
    c->seen = 0;
    c->fd = fd;
    if (!ctl || !counted || ctl->mode == OFF || !(ctl->classes & class)) return 0;
    int kept = errno;
    struct stat about;
    if (fd >= 0 && (RAW(SYS_fstat, fd, &about) || !(S_ISREG(about.st_mode) || S_ISDIR(about.st_mode)))) { errno = kept; return 0; }
    c->one[0] = c->two[0] = 0;
    if (fd >= 0) absolute(c->one, fd, "");
    else if (one) absolute(c->one, dir, one);
    if (two) absolute(c->two, dir2, two);
    errno = kept;
    if (c->one[0] && class != C_SPAWN && (apart(c->one) || listed(ctl->ignore, c->one))) return 0;
    if (c->one[0] && class != C_SPAWN && ctl->under[0] && !listed(ctl->under, c->one) && !listed(ctl->under, c->two)) return 0;
    c->seen = 1;
    c->seq = __atomic_add_fetch(&ctl->count, 1, __ATOMIC_SEQ_CST);
    int hit = ctl->mode > COUNT && (c->seq == ctl->at || (ctl->sticky && c->seq > ctl->at));
    if (!hit) return 0;
    if (ctl->mode == SHORT && class != C_WRITE) return 0;
    if (!__atomic_fetch_add(&ctl->fired, 1, __ATOMIC_SEQ_CST))
        snprintf(ctl->what, sizeof ctl->what, "%s %.480s %.480s", name, c->one, c->two);
    if (ctl->mode == KILL) die();
    if (ctl->mode == SHORT) return 2;
    if (ctl->log[0]) log_call(c->seq, name, c->one, c->two, fd, -1, ctl->error, "", 0, -1);
    c->seen = 0;
    errno = ctl->error;
    return 1;
}

static void met(struct call *c, const char *name, int fd, long result, const void *data, size_t size, long offset) {
    if (!c->seen || !ctl->log[0]) return;
    int kept = errno;
    log_call(c->seq, name, c->one, c->two, fd, result, result < 0 ? errno : 0, data, size, offset);
    errno = kept;
}

#define EXPORT __attribute__((visibility("default")))
#define NEXT(type, name, ...) static type (*next_##name)(__VA_ARGS__)

/* ---- opening ---- */
static int opening(const char *name, int dir, const char *path, int flags, mode_t mode) {
    struct call c;
    int writes = (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)) || (flags & O_TMPFILE) == O_TMPFILE;
    if (meet(&c, writes ? C_OPEN : C_READ, name, dir, path, 0, NULL, -1)) return -1;
    int fd = (int)RAW(SYS_openat, dir, path, flags, mode);
    met(&c, name, fd, fd, NULL, 0, flags);
    return fd;
}
#define MODE_OF(flags) \
    mode_t mode = 0; \
    if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
EXPORT int open(const char *p, int flags, ...) { MODE_OF(flags) return opening("open", AT_FDCWD, p, flags, mode); }
EXPORT int open64(const char *p, int flags, ...) { MODE_OF(flags) return opening("open", AT_FDCWD, p, flags, mode); }
EXPORT int openat(int d, const char *p, int flags, ...) { MODE_OF(flags) return opening("openat", d, p, flags, mode); }
EXPORT int openat64(int d, const char *p, int flags, ...) { MODE_OF(flags) return opening("openat", d, p, flags, mode); }
EXPORT int __open_2(const char *p, int flags) { return opening("open", AT_FDCWD, p, flags, 0); }
EXPORT int __open64_2(const char *p, int flags) { return opening("open", AT_FDCWD, p, flags, 0); }
EXPORT int __openat_2(int d, const char *p, int flags) { return opening("openat", d, p, flags, 0); }
EXPORT int __openat64_2(int d, const char *p, int flags) { return opening("openat", d, p, flags, 0); }
EXPORT int creat(const char *p, mode_t mode) { return opening("creat", AT_FDCWD, p, O_CREAT | O_WRONLY | O_TRUNC, mode); }
EXPORT int creat64(const char *p, mode_t mode) { return opening("creat", AT_FDCWD, p, O_CREAT | O_WRONLY | O_TRUNC, mode); }

#define STREAM_OPENING(name) \
    NEXT(FILE *, name, const char *, const char *); \
    EXPORT FILE *name(const char *p, const char *how) { \
        struct call c; \
        if (meet(&c, strpbrk(how, "wa+") ? C_OPEN : C_READ, #name, AT_FDCWD, p, 0, NULL, -1)) return NULL; \
        FILE *made = RESOLVE(name)(p, how); \
        met(&c, #name, made ? fileno(made) : -1, made ? 0 : -1, NULL, 0, strpbrk(how, "w") ? O_TRUNC | O_CREAT : 0); \
        return made; \
    }
STREAM_OPENING(fopen)
STREAM_OPENING(fopen64)
#define TEMPORARY(name, args, given, type, path) \
    NEXT(type, name, ARGS args); \
    EXPORT type name args { \
        struct call c; \
        if (meet(&c, C_OPEN, #name, AT_FDCWD, path, 0, NULL, -1)) return (type)-1; \
        type made = RESOLVE(name) given; \
        if (c.seen) absolute(c.one, AT_FDCWD, path); \
        met(&c, #name, (int)made, (long)made, NULL, 0, O_CREAT | O_EXCL); \
        return made; \
    }
#define ARGS(...) __VA_ARGS__
TEMPORARY(mkstemp, (char *t), (t), int, t)
TEMPORARY(mkstemp64, (char *t), (t), int, t)
TEMPORARY(mkostemp, (char *t, int f), (t, f), int, t)
TEMPORARY(mkostemp64, (char *t, int f), (t, f), int, t)

/* ---- writing; what stdio writes itself is met where it is flushed or closed ---- */
static long offset_of(const struct call *c, int fd) {
    if (!c->seen || !ctl->log[0]) return -1;
    if (RAW(SYS_fcntl, fd, F_GETFL) & O_APPEND) { struct stat about; return RAW(SYS_fstat, fd, &about) ? -1 : (long)about.st_size; }
    return RAW(SYS_lseek, fd, 0, SEEK_CUR);
}
#define SHORTER(n) ((n) > 1 ? (n) / 2 : (n))
EXPORT ssize_t write(int fd, const void *data, size_t n) {
    struct call c;
    int how = meet(&c, C_WRITE, "write", 0, NULL, 0, NULL, fd);
    if (how == 1) return -1;
    long at = offset_of(&c, fd);
    ssize_t done = RAW(SYS_write, fd, data, how == 2 ? SHORTER(n) : n);
    met(&c, "write", fd, done, data, done > 0 ? done : 0, at);
    return done;
}
static ssize_t writing_at(int fd, const void *data, size_t n, off_t at) {
    struct call c;
    int how = meet(&c, C_WRITE, "pwrite", 0, NULL, 0, NULL, fd);
    if (how == 1) return -1;
    ssize_t done = RAW(SYS_pwrite64, fd, data, how == 2 ? SHORTER(n) : n, at);
    met(&c, "pwrite", fd, done, data, done > 0 ? done : 0, at);
    return done;
}
EXPORT ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { return writing_at(fd, data, n, at); }
EXPORT ssize_t pwrite64(int fd, const void *data, size_t n, off_t at) { return writing_at(fd, data, n, at); }
EXPORT ssize_t writev(int fd, const struct iovec *parts, int number) {
    struct call c;
    int how = meet(&c, C_WRITE, "writev", 0, NULL, 0, NULL, fd);
    if (how == 1) return -1;
    long at = offset_of(&c, fd), start = at;
    ssize_t done = RAW(SYS_writev, fd, parts, how == 2 ? SHORTER(number) : number), left = done;
    if (c.seen && ctl->log[0])
        for (int i = 0; i < number && left > 0; i++) {
            size_t n = (size_t)left < parts[i].iov_len ? (size_t)left : parts[i].iov_len;
            met(&c, "writev", fd, n, parts[i].iov_base, n, start);
            start += n;
            left -= n;
        }
    return done;
}
/* Log what a call appended whose data did not come by here. */
static long size_of(int fd) {
    struct stat about;
    return RAW(SYS_fstat, fd, &about) ? -1 : (long)about.st_size;
}
static void met_grown(struct call *c, const char *name, int in, long from, long done) {
    if (!c->seen || !ctl->log[0]) return;
    int kept = errno, fd = (int)RAW(SYS_openat, AT_FDCWD, c->one, O_RDONLY | O_CLOEXEC, 0);
    long n = fd < 0 ? 0 : size_of(fd) - from;
    void *data = n > 0 ? mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : NULL;
    if (n > 0) n = RAW(SYS_pread64, fd, data, n, from);
    log_call(c->seq, name, c->one, c->two, in, done, done < 0 ? kept : 0, data, n > 0 ? n : 0, from);
    if (fd >= 0) RAW(SYS_close, fd);
    errno = kept;
}
#define STREAM_ENDING(name) \
    NEXT(int, name, FILE *); \
    EXPORT int name(FILE *f) { \
        struct call c = {0}; \
        long from = f && __fpending(f) ? size_of(fileno(f)) : 0; \
        if (f && __fpending(f) && meet(&c, C_WRITE, #name, 0, NULL, 0, NULL, fileno(f)) == 1) { \
            int error = errno; \
            if (!strcmp(#name, "fclose")) { __fpurge(f); RESOLVE(name)(f); } \
            errno = error; \
            return EOF; \
        } \
        int done = RESOLVE(name)(f); \
        met_grown(&c, #name, -1, from, done); \
        return done; \
    }
STREAM_ENDING(fflush)
STREAM_ENDING(fclose)
NEXT(ssize_t, sendfile, int, int, off_t *, size_t);
static ssize_t sending(int out, int in, off_t *at, size_t n) {
    struct call c;
    int how = meet(&c, C_WRITE, "sendfile", 0, NULL, 0, NULL, out);
    if (how == 1) return -1;
    long from = size_of(out);
    ssize_t done = RESOLVE(sendfile)(out, in, at, how == 2 ? SHORTER(n) : n);
    met_grown(&c, "sendfile", out, from, done);
    return done;
}
EXPORT ssize_t sendfile(int out, int in, off_t *at, size_t n) { return sending(out, in, at, n); }
EXPORT ssize_t sendfile64(int out, int in, off_t *at, size_t n) { return sending(out, in, at, n); }
NEXT(ssize_t, copy_file_range, int, off_t *, int, off_t *, size_t, unsigned);
EXPORT ssize_t copy_file_range(int in, off_t *from, int out, off_t *to, size_t n, unsigned flags) {
    struct call c;
    int how = meet(&c, C_WRITE, "copy_file_range", 0, NULL, 0, NULL, out);
    if (how == 1) return -1;
    long before = size_of(out);
    ssize_t done = RESOLVE(copy_file_range)(in, from, out, to, how == 2 ? SHORTER(n) : n, flags);
    met_grown(&c, "copy_file_range", out, before, done);
    return done;
}

/* ---- names, sizes, modes, syncing: all alike ---- */
#define PLAIN(class, name, args, given, dir, one, dir2, two, fd, number) \
    NEXT(int, name, ARGS args); \
    EXPORT int name args { \
        struct call c; \
        if (meet(&c, class, #name, dir, one, dir2, two, fd)) return -1; \
        int done = RESOLVE(name) given; \
        met(&c, #name, fd, done, NULL, 0, number); \
        return done; \
    }
PLAIN(C_RENAME, rename, (const char *a, const char *b), (a, b), AT_FDCWD, a, AT_FDCWD, b, -1, 0)
PLAIN(C_RENAME, renameat, (int d, const char *a, int e, const char *b), (d, a, e, b), d, a, e, b, -1, 0)
PLAIN(C_RENAME, renameat2, (int d, const char *a, int e, const char *b, unsigned f), (d, a, e, b, f), d, a, e, b, -1, f)
PLAIN(C_LINK, link, (const char *a, const char *b), (a, b), AT_FDCWD, a, AT_FDCWD, b, -1, 0)
PLAIN(C_LINK, linkat, (int d, const char *a, int e, const char *b, int f), (d, a, e, b, f), d, a, e, b, -1, f)
PLAIN(C_LINK, symlink, (const char *a, const char *b), (a, b), AT_FDCWD, a, AT_FDCWD, b, -1, 0)
PLAIN(C_LINK, symlinkat, (const char *a, int d, const char *b), (a, d, b), AT_FDCWD, a, d, b, -1, 0)
PLAIN(C_UNLINK, unlink, (const char *a), (a), AT_FDCWD, a, 0, NULL, -1, 0)
PLAIN(C_UNLINK, unlinkat, (int d, const char *a, int f), (d, a, f), d, a, 0, NULL, -1, f)
PLAIN(C_UNLINK, remove, (const char *a), (a), AT_FDCWD, a, 0, NULL, -1, 0)
PLAIN(C_UNLINK, rmdir, (const char *a), (a), AT_FDCWD, a, 0, NULL, -1, 0)
PLAIN(C_MKDIR, mkdir, (const char *a, mode_t m), (a, m), AT_FDCWD, a, 0, NULL, -1, m)
PLAIN(C_MKDIR, mkdirat, (int d, const char *a, mode_t m), (d, a, m), d, a, 0, NULL, -1, m)
PLAIN(C_MKDIR, mkfifo, (const char *a, mode_t m), (a, m), AT_FDCWD, a, 0, NULL, -1, m)
PLAIN(C_TRUNCATE, truncate, (const char *a, off_t n), (a, n), AT_FDCWD, a, 0, NULL, -1, n)
PLAIN(C_TRUNCATE, truncate64, (const char *a, off_t n), (a, n), AT_FDCWD, a, 0, NULL, -1, n)
PLAIN(C_TRUNCATE, ftruncate, (int fd, off_t n), (fd, n), 0, NULL, 0, NULL, fd, n)
PLAIN(C_TRUNCATE, ftruncate64, (int fd, off_t n), (fd, n), 0, NULL, 0, NULL, fd, n)
PLAIN(C_SYNC, fsync, (int fd), (fd), 0, NULL, 0, NULL, fd, 0)
PLAIN(C_SYNC, fdatasync, (int fd), (fd), 0, NULL, 0, NULL, fd, 0)
PLAIN(C_MODE, chmod, (const char *a, mode_t m), (a, m), AT_FDCWD, a, 0, NULL, -1, m)
PLAIN(C_MODE, fchmod, (int fd, mode_t m), (fd, m), 0, NULL, 0, NULL, fd, m)
PLAIN(C_MODE, fchmodat, (int d, const char *a, mode_t m, int f), (d, a, m, f), d, a, 0, NULL, -1, m)
PLAIN(C_MODE, chown, (const char *a, uid_t u, gid_t g), (a, u, g), AT_FDCWD, a, 0, NULL, -1, 0)
PLAIN(C_MODE, fchown, (int fd, uid_t u, gid_t g), (fd, u, g), 0, NULL, 0, NULL, fd, 0)
PLAIN(C_MODE, fchownat, (int d, const char *a, uid_t u, gid_t g, int f), (d, a, u, g, f), d, a, 0, NULL, -1, 0)
PLAIN(C_MODE, lchown, (const char *a, uid_t u, gid_t g), (a, u, g), AT_FDCWD, a, 0, NULL, -1, 0)
PLAIN(C_MODE, utimensat, (int d, const char *a, const struct timespec t[2], int f), (d, a, t, f), d, a, 0, NULL, -1, 0)
PLAIN(C_MODE, futimens, (int fd, const struct timespec t[2]), (fd, t), 0, NULL, 0, NULL, fd, 0)
/* Signal 0 only asks. */
#define SIGNALLING(name) \
    NEXT(int, name, pid_t, int); \
    EXPORT int name(pid_t whom, int number) { \
        struct call c = {0}; \
        if (number && meet(&c, C_SIGNAL, #name, 0, NULL, 0, NULL, -1)) return -1; \
        int done = RESOLVE(name)(whom, number); \
        met(&c, #name, -1, done, NULL, 0, number); \
        return done; \
    }
SIGNALLING(kill)
SIGNALLING(killpg)
NEXT(char *, mkdtemp, char *);
EXPORT char *mkdtemp(char *t) {
    struct call c;
    if (meet(&c, C_MKDIR, "mkdtemp", AT_FDCWD, t, 0, NULL, -1)) return NULL;
    char *made = RESOLVE(mkdtemp)(t);
    met(&c, "mkdtemp", -1, made ? 0 : -1, NULL, 0, 0);
    return made;
}

/* ---- reading, for faults alone ---- */
EXPORT ssize_t read(int fd, void *into, size_t n) {
    struct call c;
    if (meet(&c, C_READ, "read", 0, NULL, 0, NULL, fd)) return -1;
    return RAW(SYS_read, fd, into, n);
}

/* ---- processes ---- */
NEXT(pid_t, fork, void);
EXPORT pid_t fork(void) {
    struct call c;
    if (meet(&c, C_SPAWN, "fork", AT_FDCWD, NULL, 0, NULL, -1)) return -1;
    pid_t pid = RESOLVE(fork)();
    if (pid) met(&c, "fork", -1, pid, NULL, 0, 0);
    return pid;
}
#if defined(__x86_64__)
/* A function that calls vfork must not return before its child is gone, so that this one only looks and jumps. */
__attribute__((used)) static int before_vfork(void) {
    struct call c;
    return meet(&c, C_SPAWN, "vfork", AT_FDCWD, NULL, 0, NULL, -1);
}
__attribute__((used)) static void *find_vfork(void) {
    static void *found;
    return found ? found : (found = dlsym(RTLD_NEXT, "vfork"));
}
EXPORT __attribute__((naked)) pid_t vfork(void) {
    __asm__("endbr64\n"
            "sub $8, %rsp\n"
            "call before_vfork\n"
            "test %eax, %eax\n"
            "jnz 1f\n"
            "call find_vfork\n"
            "add $8, %rsp\n"
            "jmp *%rax\n"
            "1: mov $-1, %eax\n"
            "add $8, %rsp\n"
            "ret\n");
}
#endif

static int follows(char *const argv[], char *const env[]) {
    char line[4096];
    size_t used = 0;
    if (!ctl) return 0;
    for (int i = 0; env && env[i]; i++)
        if (!strncmp(env[i], "LD_PRELOAD=", 11) && strstr(env[i], self_path)) return 1;
    if (!ctl->follow[0]) return 0;
    for (int i = 0; argv && argv[i] && used < sizeof line; i++)
        used += snprintf(line + used, sizeof line - used, "%s ", argv[i]);
    return listed(ctl->follow, line);
}
/* A new environment with this library and its control file in it, on the caller's stack. */
#define FOLLOWED(argv, env) \
    char preload[PATH_MAX + 16], place[PATH_MAX + 16], in[24]; \
    if (follows(argv, env)) { \
        size_t n = 0, kept = 0; \
        while (env[n]) n++; \
        char **more = alloca((n + 4) * sizeof *more); \
        for (size_t i = 0; i < n; i++) \
            if (strncmp(env[i], "PROOF_SHIM", 10) && strncmp(env[i], "LD_PRELOAD=", 11)) more[kept++] = env[i]; \
        snprintf(preload, sizeof preload, "LD_PRELOAD=%s", self_path); \
        snprintf(place, sizeof place, "PROOF_SHIM=%s", ctl_path); \
        snprintf(in, sizeof in, "PROOF_SHIM_IN=%d", counted); \
        more[kept++] = preload; more[kept++] = place; more[kept++] = in; more[kept] = NULL; \
        env = more; \
    }
NEXT(int, execve, const char *, char *const[], char *const[]);
EXPORT int execve(const char *path, char *const argv[], char *const given[]) {
    struct call c = {0};
    char *const *env = given;
    if (!RAW(SYS_faccessat, AT_FDCWD, path, X_OK, 0) && meet(&c, C_SPAWN, "execve", AT_FDCWD, path, 0, NULL, -1)) return -1;
    met(&c, "execve", -1, 0, NULL, 0, 0);
    FOLLOWED(argv, env)
    return RESOLVE(execve)(path, argv, env);
}
#define SPAWNING(name) \
    NEXT(int, name, pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[], char *const[]); \
    EXPORT int name(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *how, \
                    char *const argv[], char *const given[]) { \
        struct call c; \
        char *const *env = given; \
        if (meet(&c, C_SPAWN, #name, AT_FDCWD, path, 0, NULL, -1)) return errno; \
        FOLLOWED(argv, env) \
        int done = RESOLVE(name)(pid, path, actions, how, argv, env); \
        met(&c, #name, -1, done ? -1 : (pid ? *pid : 0), NULL, 0, 0); \
        return done; \
    }
SPAWNING(posix_spawn)
SPAWNING(posix_spawnp)

/* ---- calls by number ---- */
EXPORT long syscall(long number, ...) {
    long a[6];
    va_list rest;
    va_start(rest, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(rest, long);
    va_end(rest);
    if (number == SYS_renameat2)
        return renameat2((int)a[0], (const char *)a[1], (int)a[2], (const char *)a[3], (unsigned)a[4]);
    struct call c = {0};
    if (number == SYS_pidfd_send_signal && meet(&c, C_SIGNAL, "pidfd_send_signal", AT_FDCWD, NULL, 0, NULL, -1)) return -1;
    return RAW(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
