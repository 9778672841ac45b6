"""Writes entities.txt, the named character references of the HTML standard, from Python's copy.

    python3 entities.py > entities.txt
"""

from html.entities import html5

for name, characters in sorted(html5.items()):
    print(name, *(f"{ord(character):X}" for character in characters))
