"""Prints lunar_years.txt: of each Chinese year its first day, its leap month (0: none), and its
months, + of 30 days and - of 29. Needs PyPI LunarCalendar (MIT)."""

from datetime import date, timedelta

from lunarcalendar import Converter, Lunar, Solar


def first_day(year):
    day = Converter.Lunar2Solar(Lunar(year, 1, 1, False))
    return date(day.year, day.month, day.day)


for year in range(1900, 2099):
    begin, end = first_day(year), first_day(year + 1)
    days = [begin + timedelta(i) for i in range((end - begin).days)]
    lunar = [Converter.Solar2Lunar(Solar(day.year, day.month, day.day)) for day in days]
    starts = [day for day, lunar_day in zip(days, lunar) if lunar_day.day == 1] + [end]
    leap = next((lunar_day.month for lunar_day in lunar if lunar_day.isleap), 0)
    lengths = [(after - start).days for start, after in zip(starts, starts[1:])]
    print(year, begin.isoformat(), leap, "".join("+" if days == 30 else "-" for days in lengths))
