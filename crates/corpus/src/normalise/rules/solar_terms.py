"""Prints solar_terms.txt: a year and the days of its 24 solar terms, from 小寒 on, two a month, in
Beijing time; a letter a day, `a` for the first of the month. Needs PyPI LunarCalendar (MIT)."""

from lunarcalendar.solarterm import zh_solarterms

for year in range(1900, 2100):
    # The package begins with 立春, in February.
    days = sorted(term(year) for term in zh_solarterms)
    for at, day in enumerate(days):
        assert (day.year, day.month) == (year, at // 2 + 1), day
    print(year, "".join(chr(ord("a") + day.day - 1) for day in days))
