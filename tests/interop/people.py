"""People of the directory, and what clients find of them."""
import re

from lib import tap


def person(case, given, surname, **fields):
    """A new user with this name, which nobody else has; returns him and his surname."""
    nick = re.sub("[^a-z]", "", given.lower())
    user = case.site.user(nick)
    surname += user.name[len(nick):]
    options = [w for k, v in fields.items() for w in ("--" + k, v)]
    case.site.server.tool("user", "set", user.name, "--name", f"{given} {surname}",
                          "--email", f"{user.name}@mail.test", *options)
    return user, surname


def address(user):
    return user.uri.removeprefix("sip:")


def finds(client, user, name, **fields):
    rows = client.search(**fields)
    wanted = {"uri": address(user), "name": name, "email": f"{user.name}@mail.test"}
    tap.check_eq([{k: row[k] for k in wanted} for row in rows], [wanted], f"found by {fields}")
