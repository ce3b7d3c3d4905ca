"""What oracle_test.py asks of places on the earth: the same cells, digits and order, but for members at the same distance, whose
order redis-server leaves to its sorting."""

KEYS = [b"geo%d" % i for i in range(5)]
UNITS = [b"m", b"km", b"ft", b"mi", b"KM"]
AROUND = ((13.36, 38.11), (-122.41, 37.77), (179.99, 10.0), (-179.99, -10.0), (0.0, 0.0), (25.0, 84.9), (100.0, -84.9))


def makers(generator):
    r, pick, word = generator.random, generator.pick, generator.word
    key = lambda: pick(KEYS) if r.random() < 0.97 else generator.key()
    member = lambda: b"m%d" % r.randrange(300)
    unit = lambda: pick(UNITS) if r.random() < 0.98 else b"furlong"

    def place():
        how = r.random()
        if how < 0.5:
            longitude, latitude = pick(AROUND)
            longitude, latitude = longitude + r.gauss(0, 0.3), latitude + r.gauss(0, 0.3)
        elif how < 0.97:
            longitude, latitude = r.uniform(-180, 180), r.uniform(-85.05, 85.05)
        else:
            return list(pick([(b"180", b"85.05112878"), (b"-180", b"-85.05112878"), (b"181", b"0"), (b"0", b"86"), (b"x", b"0"), (b"0", b"nan"), (b"inf", b"0"), (b"0", b"1e400")]))
        return [b"%.*f" % (r.randrange(0, 12), max(-180, min(180, longitude))), b"%.*f" % (r.randrange(0, 12), max(-85, min(85, latitude)))]

    def length():
        return b"%.*f" % (r.randrange(0, 5), 10 ** r.uniform(-2, 7.5)) if r.random() < 0.97 else pick([b"-1", b"x", b"0", b"nan", b"inf"])

    def options(store=False):
        made = []
        for option in ([word("WITHDIST")], [word("WITHHASH")], [word("WITHCOORD")], [word(pick(["ASC", "DESC"]))]):
            if r.random() < (0.03 if store and option[0].upper().startswith(b"WITH") else 0.4):
                made.append(option)
        if r.random() < 0.3:
            made.append([word("COUNT"), b"%d" % r.randrange(0, 12) if r.random() < 0.97 else b"x", *([word("ANY")] if r.random() < 0.4 else [])])
        return made

    def search(store=False):
        parts = options(store)
        parts.append(pick([[word("FROMMEMBER"), member()], [word("FROMLONLAT"), *place()]]) if r.random() < 0.97 else [])
        parts.append(pick([[word("BYRADIUS"), length(), unit()], [word("BYBOX"), length(), length(), unit()]]) if r.random() < 0.97 else [])
        if store and r.random() < 0.4:
            parts.append([word("STOREDIST")])
        r.shuffle(parts)
        return [one for part in parts for one in part]

    def circle(name, *start):
        stored = [[word(pick(["STORE", "STOREDIST"])), key()]] if r.random() < 0.3 else []
        parts = options(bool(stored)) + stored
        r.shuffle(parts)
        return [word(name), key(), *start, length(), unit(), *(one for part in parts for one in part)]

    return [
        (8, lambda: [word("GEOADD"), key(), *pick([[], [], [word("NX")], [word("XX")], [word("CH")], [word("XX"), word("CH")], [word("NX"), word("XX")]]), *(one for _ in range(r.randrange(1, 12)) for one in (*place(), member()))]),
        (2, lambda: [word("GEOPOS"), key(), *generator.many(member, 0)]),
        (2, lambda: [word("GEOHASH"), key(), *generator.many(member, 0)]),
        (4, lambda: [word("GEODIST"), key(), member(), member(), *pick([[], [unit()], [unit()], [unit(), unit()] if r.random() < 0.1 else []])]),
        (12, lambda: [word("GEOSEARCH"), key(), *search()]),
        (4, lambda: [word("GEOSEARCHSTORE"), key(), key(), *search(True)]),
        (3, lambda: circle("GEORADIUS", *place())),
        (3, lambda: circle("GEORADIUSBYMEMBER", member())),
        (1, lambda: circle("GEORADIUS_RO", *place())),
        (1, lambda: circle("GEORADIUSBYMEMBER_RO", member())),
        (1, lambda: [word("ZREM"), key(), member()]),
        (0.5, lambda: [word("ZADD"), key(), pick([b"-1", b"1e18", b"inf", b"-inf", b"4503599627370495", b"1e19", b"1e300", b"-1e300", b"0.5"]), member()]),
        (0.3, lambda: [word("DEL"), key()]),
    ]


def number(text):
    try:
        return float(text[1] if isinstance(text, tuple) else text)
    except (ValueError, TypeError):
        return None


def alike(theirs, ours):
    """The same; a double of RESP3, which has as few digits here as tell it and 17 behind the point there, as a number."""
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(theirs) == len(ours) and all(map(alike, theirs, ours))
    if isinstance(theirs, tuple) and isinstance(ours, tuple):
        return abs(number(theirs) - number(ours)) <= 1e-17
    return type(theirs) is type(ours) and theirs == ours


def distances(reply):
    return [row[1] for row in reply]


def same(command, theirs, ours):
    upper = [part.upper() for part in command]
    name = upper[0]
    if not name.startswith(b"GEO"):
        return None
    if type(ours).__name__ == type(theirs).__name__ == "Failure" and b"longitude,latitude" in ours:
        return theirs.replace(b"-0.000000", b"0.000000") == ours  # no number is a negative zero here
    if type(ours).__name__ == "Failure" and b"BYPOLYGON" in ours:
        return ours.replace(b"BYRADIUS, BYBOX and BYPOLYGON", b"BYRADIUS and BYBOX") == theirs
    if not name.startswith((b"GEOSEARCH", b"GEORADIUS")) or not isinstance(theirs, list) or not isinstance(ours, list) or alike(theirs, ours):
        return alike(theirs, ours)
    # The same distances in the same order; who of those of one distance comes first, or last of all, is open.
    if len(theirs) != len(ours):
        return False
    if b"WITHDIST" in upper:
        return distances(theirs) == distances(ours) and (b"COUNT" in upper or sorted(map(repr, theirs)) == sorted(map(repr, ours)))
    return b"COUNT" in upper or sorted(map(repr, theirs)) == sorted(map(repr, ours))


def skip(command):
    """STOREDIST of members at the same distance, of which only some fit: left to sorting there."""
    upper = [part.upper() for part in command]
    stores = upper[0] == b"GEOSEARCHSTORE" or b"STORE" in upper or b"STOREDIST" in upper
    return upper[0].startswith(b"GEO") and (b"BYPOLYGON" in upper or stores and b"COUNT" in upper and b"ANY" not in upper)


def final():
    return [[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"] for key in KEYS]


FIXED = """
GEOADD|GEOADD a|GEOADD a 1 2|GEOADD a CH 1 2|GEOADD a CH CH CH CH|GEOADD a NX XX 1 2 m|GEOADD a 1 2 m 3|GEOADD a 181 2 m|GEOADD a x 2 m|GEOADD a 1 nan m
GEOADD a XX 1 2 m|EXISTS a|GEOPOS|GEOPOS nokey|GEOPOS nokey a b|GEOHASH nokey a|GEODIST|GEODIST nokey a|GEODIST nokey a b|GEODIST nokey a b foo|GEODIST nokey a b m x
GEOSEARCH nokey|GEOSEARCH nokey FROMMEMBER a BYRADIUS 1 m|GEOSEARCH nokey FROMLONLAT 1 2 BYRADIUS 1 foo|GEOSEARCH nokey FROMLONLAT 1 2 BYRADIUS x m
GEOSEARCH nokey FROMLONLAT 1 2 FROMMEMBER a BYRADIUS 1 m|GEOSEARCH nokey FROMMEMBER a FROMLONLAT 1 2 BYRADIUS 1 m|GEOSEARCH nokey FROMLONLAT 1 2 BYRADIUS 1 m BYBOX 1 1 m
GEOSEARCH nokey FROMLONLAT 1 2 BYRADIUS 1 m ANY|GEOSEARCH nokey FROMLONLAT 1 2 BYRADIUS 1 m COUNT 0|GEOSEARCH nokey FROMLONLAT 1 2 BYRADIUS 1 m COUNT|GEOSEARCH nokey FROMLONLAT 1 2 BYBOX -1 1 m
GEOSEARCH nokey FROMLONLAT 1 2 BYBOX x 1 m|GEOSEARCH nokey FROMLONLAT 1 2 BYBOX 1 x m|GEOSEARCH nokey FROMLONLAT 1 2 BYRADIUS -1 m|GEOSEARCH nokey FROMLONLAT 1 2 BYRADIUS 1 m STORE b
GEOSEARCH nokey FROMLONLAT 1 2 BYRADIUS 1 m STOREDIST|GEOSEARCH nokey BYRADIUS 1 m ASC DESC ASC|GEOSEARCHSTORE b nokey FROMLONLAT 1 2 BYRADIUS 1 m WITHDIST
GEOSEARCHSTORE b nokey FROMLONLAT 1 2 BYRADIUS 1 m|GEORADIUS nokey 1 2 1|GEORADIUS nokey 1 2 1 m STORE|GEORADIUS nokey 1 2 1 m STORE b|GEORADIUS nokey 1 2 1 m STORE b WITHDIST
GEORADIUS nokey 1 200 1 m|GEORADIUS_RO nokey 1 2 1 m STORE b|GEORADIUSBYMEMBER nokey a x foo|GEORADIUSBYMEMBER nokey a 1 m STORE b|GEORADIUSBYMEMBER nokey a 1 m FOO
GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania|GEODIST Sicily Palermo Catania|GEODIST Sicily Palermo Catania ft|GEODIST Sicily Palermo none
GEOPOS Sicily Palermo none|GEOHASH Sicily Palermo Catania none|GEORADIUSBYMEMBER Sicily none 1 m|GEORADIUSBYMEMBER Sicily Palermo x m|GEORADIUSBYMEMBER Sicily Palermo 1 foo
GEOSEARCH Sicily FROMMEMBER none BYRADIUS 1 m|GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHCOORD WITHDIST WITHHASH|GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km DESC COUNT 1
GEORADIUS Sicily 15 37 200 km STOREDIST b|ZRANGE b 0 -1 WITHSCORES|GEOSEARCHSTORE b Sicily FROMLONLAT 15 37 BYRADIUS 1 m|EXISTS b|GEOSEARCHSTORE Sicily2 Sicily FROMLONLAT 15 37 BYBOX 400 400 km STOREDIST
SET gs 1|GEOADD gs 1 2 m|GEOPOS gs a|GEOSEARCH gs FROMLONLAT 1 2 BYRADIUS 1 m|GEOSEARCH gs FOO|GEOSEARCHSTORE b gs FROMLONLAT 1 2 BYRADIUS 1 m|GEORADIUS gs 1 2 1 m STORE b
HELLO 3|GEOPOS Sicily Palermo none|GEODIST Sicily Palermo none|GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST|GEOHASH Sicily none|HELLO 2
"""
