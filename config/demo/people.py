"""Made-up people, the same for the same seed and number however many there are; it writes to no database."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random  # noqa: TID251  # a made-up company must be the same each time; nothing secret comes of it

#: People whom the documentation knows by name.
KNOWN = (
    "Ada Marlow", "Ben Marlow", "Cleo Ashdown", "Dov Hartley", "Elif Sorensen", "Femi Okafor", "Greta Lindqvist",
    "Hugo Vance", "Ines Quill", "Jun Tanabe", "Kira Novak", "Leo Brandt",
)  # fmt: skip
_REFERRERS = {2: 1, 5: 3, 9: 7}
#: Where two live at one address; the first of every pair was there first.
_HOUSEHOLDS = (1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 10)
_FIRST, _STEMS, _ENDS = (
    words.split()
    for words in (
        "Alma Anouk Arne Aziz Bela Bruno Carla Chidi Dara Dilan Edda Emre Enya Fadi Fiona Goran Hana Hedda Idris Ilse "
        "Ivo Jana Joris Kamal Katja Kenji Lale Lars Lena Luka Maja Malik Mara Mika Milan Mina Nadia Nils Noor Olga "
        "Onur Pavel Pia Rafi Rania Ruth Sami Selma Sina Soren Tara Theo Tilda Umar Vera Viktor Wanda Yara Yusuf Zora",
        "Alder Amber Ash Barrow Birch Black Brack Bram Briar Cold Cran Dale Dun Elder Fair Fal Fern Glen Gran Hare "
        "Hazel Heath Hollow Kes Lang Larch Lin Marsh Moor Nor Oak Pen Quin Raven Rook Rush Sand Sel Thorn Wald West "
        "Wil Win Wren",
        "beck bourne bury by combe croft den feld field ford garth gate ham hurst ley low mere mond sted ton well wick "
        "wood",
    )
)
#: Area codes with blocks of a thousand numbers that the regulator keeps free for fiction.
_PHONES = ("+493023125", "+496990009", "+494066969", "+492214710", "+498999998")
_DOMAINS = ("example.org", "example.net", "example.com")  # RFC 2606: nobody receives mail there
BRANDS = ("larkspur", "fernway")


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """Somebody who does not exist. `joined` is how many days ago they first came."""

    number: int
    name: str
    email: str
    phone: str
    birthday: str
    household: int
    brand: str
    joined: int
    referred_by: int | None

    @property
    def customer_id(self) -> str:
        """The number that the shop knows them by."""
        return str(self.number)


def dice(seed: int, *what: object) -> Random:
    """Give dice that fall the same way for the same seed and subject, whatever was thrown before."""
    return Random(":".join(map(str, (seed, *what))))  # noqa: S311  # see above


def person(seed: int, number: int) -> Person:
    """Give the person with this number, counted from 1."""
    thrown = dice(seed, "person", number)
    is_known = number <= len(KNOWN)
    household = household_of(number)
    name = KNOWN[number - 1] if is_known else f"{thrown.choice(_FIRST)} {_surname(seed, household)}"
    local = name.lower().replace(" ", ".")
    domain = _DOMAINS[0] if is_known else thrown.choice(_DOMAINS)
    friend = thrown.randrange(1, number) if number > len(KNOWN) and thrown.random() < 0.15 else None
    return Person(
        number=number,
        name=name,
        email=f"{local}@{domain}" if is_known else f"{local}.{number}@{domain}",
        phone=_phone(number) if thrown.random() < 0.7 else "",
        birthday=f"{thrown.randrange(1945, 2005)}-{thrown.randrange(1, 13):02}-{thrown.randrange(1, 29):02}",
        household=household,
        brand=thrown.choice(BRANDS),
        joined=30 + 7 * number if is_known else thrown.randrange(3, 731),
        referred_by=_REFERRERS.get(number, friend),
    )


def household_of(number: int) -> int:
    """Put three people into two homes: every second home is shared. Homes are counted as people are."""
    return _HOUSEHOLDS[number - 1] if number <= len(_HOUSEHOLDS) else 2 + number * 2 // 3


def shares_home(number: int) -> bool:
    """Tell whether somebody lives with the person before them."""
    return number > 1 and household_of(number) == household_of(number - 1)


def _surname(seed: int, household: int) -> str:
    thrown = dice(seed, "household", household)
    return f"{thrown.choice(_STEMS)}{thrown.choice(_ENDS)}"


def _phone(number: int) -> str:
    """Give one of the numbers that are free for fiction; they end, and later people have none."""
    block, place = divmod(number, 1000)
    return f"{_PHONES[block]}{place:03}" if block < len(_PHONES) else ""
