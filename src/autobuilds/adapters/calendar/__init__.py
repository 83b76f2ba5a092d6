"""The owner's calendars: ICS files, folders of them and https addresses, as other programs write them."""

from autobuilds.adapters.calendar.ics import IcsCalendar

__all__ = ["IcsCalendar"]
