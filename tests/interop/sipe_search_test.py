#!/usr/bin/python3
"""The directory as pidgin-sipe searches it: people are found by what is known of them, and the window
about a contact says it.

| what                                | found                                          |
|-------------------------------------|------------------------------------------------|
| first name, last name, both         | name, address, e-mail address                  |
| the first letters, small or capital | the same                                       |
| e-mail address, SIP address         | the same                                       |
| two of one name                     | both                                           |
| nobody; a disabled account          | "No contacts found"                            |
| who was found is added              | is a contact, with name and state              |
| get info                            | name, e-mail address, number                   |
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.people import address, finds, person  # noqa: E402
from interop.sipe import Sipe, sign_in  # noqa: E402
from lib import site, tap  # noqa: E402


@tap.test
def somebody_is_found_by_names(case):
    user, surname = person(case, "Zoe", "Quagga")
    (a,) = sign_in(case, "alice")
    finds(a, user, f"Zoe {surname}", surname=surname)
    finds(a, user, f"Zoe {surname}", given="Zoe", surname=surname)
    tap.check(address(user) in [row["uri"] for row in a.search(given="Zoe")], "found by first name")


@tap.test
def the_first_letters_are_enough(case):
    user, surname = person(case, "Yan", "Okapiwald")
    (a,) = sign_in(case, "alice")
    for text in ("Okapiw", "okapiw", "OKAPIW"):
        finds(a, user, f"Yan {surname}", surname=text)
    finds(a, user, f"Yan {surname}", given="ya", surname="okapiw")


@tap.test
def somebody_is_found_by_addresses(case):
    user, surname = person(case, "Xenia", "Dikdik")
    (a,) = sign_in(case, "alice")
    finds(a, user, f"Xenia {surname}", email=f"{user.name}@mail.test")
    finds(a, user, f"Xenia {surname}", sipid=address(user))


@tap.test
def letters_of_all_alphabets_are_found(case):
    user, surname = person(case, "Jörg", "Müßigbrodt")
    (a,) = sign_in(case, "alice")
    finds(a, user, f"Jörg {surname}", surname="Müßig")


@tap.test
def two_of_one_name_are_both_found(case):
    people = [case.site.user("will") for _ in range(2)]
    for user in people:
        case.site.server.tool("user", "set", user.name, "--name", "Will Zorilla")
    (a,) = sign_in(case, "alice")
    rows = a.search(given="Will", surname="Zorilla")
    tap.check_eq(sorted(row["uri"] for row in rows), sorted(map(address, people)), "found")


@tap.test
def nobody_is_found_and_the_user_is_told(case):
    _, surname = person(case, "Vera", "Pudu")
    (a,) = sign_in(case, "alice")
    tap.check_eq(a.search(given="Nobody", surname="Atall"), [], "found")
    tap.check_eq(a.search(given="Nobody", surname=surname), [], "found by half of it")


@tap.test
def a_disabled_account_is_not_found(case):
    user, surname = person(case, "Ursa", "Serow")
    (a,) = sign_in(case, "alice")
    finds(a, user, f"Ursa {surname}", surname=surname)
    case.site.server.tool("user", "disable", user.name)
    tap.wait_for(lambda: a.search(surname=surname) == [], "that nobody is found")


@tap.test
def who_was_found_becomes_a_contact(case):
    user, surname = person(case, "Tina", "Takin")
    Sipe(case, user).wait_registered()
    (a,) = sign_in(case, "alice")
    (row,) = a.search(given="Tina", surname=surname)
    a.add_contact(f"sip:{row['uri']}", "Work")
    a.wait_buddy(user.uri, "Work", alias=f"Tina {surname}", online=True)


@tap.test
def the_window_about_a_contact_says_what_is_known(case):
    user, surname = person(case, "Sam", "Saola", phone="+4930555123")
    (a,) = sign_in(case, "alice")
    a.add_contact(user.uri, "Work")
    a.wait_buddy(user.uri, alias=f"Sam {surname}")
    text = a.get_info(user.uri)
    for known in (f"Sam {surname}", f"{user.name}@mail.test", "555123"):
        tap.check(known in text.replace(" ", "") or known in text, f"{known} in {text}")


if __name__ == "__main__":
    tap.main(site.make)
