"""Man pages of a `generate_docs.Program`: stave(1), one for each subcommand with options of its own, stave.conf(5)."""

import re

EXIT_STATUS = """.SH EXIT STATUS
.TP
.B 0
Done; of a server: stopped in good order, with everything on disk.
.TP
.B 1
It failed; the standard error output says why.
.TP
.B 2
An option or its value is wrong.
"""

# What some return besides, or instead.
EXIT_STATUS_OF = {
    "doctor": """.SH EXIT STATUS
.TP
.B 0
The store is sound.
.TP
.B 1
It is damaged; also when everything that is whole was copied elsewhere.
.TP
.B 2
It cannot be examined or repaired, or an option is wrong; the standard error output says why.
""",
    "import": EXIT_STATUS + """.TP
.B 3
Done, but something was left out, and it was said what.
""",
}
EXIT_STATUS_OF["load"] = EXIT_STATUS_OF["import"]

FILES = r""".SH FILES
.TP
.I /etc/stave/stave.conf
Options of the service, see
.BR stave.conf (5).
.TP
.I /var/lib/stave
The store of the service.
"""


def escaped(text):
    """Text that roff prints as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\`").replace("|", "\\||\\|").replace("^", "\\(ha").replace("~", "\\(ti")
    return "\\&" + text if text.startswith((".", "'")) else text


def heading(page, section, program, title):
    return '.TH %s %d "%s" "Stave %s" "%s"\n' % (page.upper(), section, program.date, program.version, title)


def option_list(options):
    text = ""
    for option in options:
        names = ", ".join("\\fB%s\\fR" % escaped(name) for name in option.names)
        value = " \\fI%s\\fR" % escaped(option.value) if option.value else ""
        text += ".TP\n%s%s\n%s\n" % (names, value, escaped(option.help))
    return text


def references(names):
    rows = [".BR %s (%d)" % (escaped(name), section) for name, section in names]
    return ".SH SEE ALSO\n" + ",\n".join(rows) + "\n"


def has_page(subcommand):
    return bool(subcommand.children) or any(option.names[-1] != "--help" for option in subcommand.options)


def overview(program):
    text = heading("stave", 1, program, "User Commands")
    text += ".SH NAME\nstave \\- durable key\\-value store: a server, a shell and tools\n"
    text += ".SH SYNOPSIS\n.B stave\n.I subcommand\n[\\fIoption\\fR ...]\n"
    text += ".SH DESCRIPTION\n%s\n" % escaped(program.description)
    text += ".PP\nA write is on disk when it is acknowledged. The store is a directory with a log; one process at a time owns it.\n"
    text += ".SH SUBCOMMANDS\n"
    for subcommand in program.subcommands:
        text += ".TP\n.B %s\n%s.\n" % (escaped(subcommand.name), escaped(subcommand.help.rstrip(".")))
        if has_page(subcommand):
            text += "See\n.BR stave\\-%s (1).\n" % escaped(subcommand.name)
    text += ".SH OPTIONS\n" + option_list(program.options)
    text += EXIT_STATUS + FILES
    text += ".SH EXAMPLES\n.EX\nstave serve \\-\\-dir ./data \\-\\-port 6379\nstave shell \\-\\-create ./data SET greeting hello\n.EE\n"
    pages = [("stave-" + subcommand.name, 1) for subcommand in program.subcommands if has_page(subcommand)]
    return text + references(pages + [("stave.conf", 5)])


def summary(subcommand):
    text = re.split(r" \(stave |: stave |; stave ", subcommand.help)[0].rstrip(".")
    return text[:1].lower() + text[1:]


def subcommand_page(program, subcommand):
    name = "stave-" + subcommand.name
    text = heading(name, 1, program, "User Commands")
    text += ".SH NAME\n%s \\- %s\n" % (escaped(name), escaped(summary(subcommand)))
    usage = subcommand.usage or "stave %s [OPTIONS]" % subcommand.name
    text += ".SH SYNOPSIS\n.B stave %s\n%s\n" % (escaped(subcommand.name), escaped(usage.removeprefix("stave " + subcommand.name).strip()))
    text += ".SH DESCRIPTION\n%s\n" % escaped(subcommand.description or subcommand.help + ".")
    if subcommand.name == "serve":
        text += ".PP\nLater sources of options win: default, configuration file, environment, command line.\n"
        text += "An option's variable is STAVE_ and its name in upper case with _ for \\-, such as\n.B STAVE_PORT\nor\n.BR STAVE_SYNC_INTERVAL .\n"
        text += ".PP\nSIGTERM and SIGINT stop the server in good order; the second one at once.\n"
    text += ".SH OPTIONS\n" + option_list(subcommand.options)
    for child in subcommand.children:
        text += ".SH STAVE %s %s\n%s\n" % (escaped(subcommand.name.upper()), escaped(child.name.upper()), escaped(child.description))
        text += ".PP\n.B stave %s %s\n%s\n" % (escaped(subcommand.name), escaped(child.name), escaped(child.usage.partition(child.name)[2].strip()))
        text += option_list(child.options)
    return text + EXIT_STATUS_OF.get(subcommand.name, EXIT_STATUS) + references([("stave", 1), ("stave.conf", 5)])


def configuration(program):
    text = heading("stave.conf", 5, program, "File Formats")
    text += ".SH NAME\nstave.conf \\- options of the server\n"
    text += ".SH DESCRIPTION\nLines of the form\n.IR \"name value\" ;\n# begins a comment, quotes keep blanks. "
    text += "The file is read by\n.BR \"stave serve \\-\\-config\" .\nEnvironment (STAVE_ and the name in upper case, _ for \\-) and command line win over it.\n"
    text += ".PP\nSizes: 100, 64kb, 1gb (powers of 1024), 1k, 1m, 1g (powers of 1000). Times: 250us, 500ms, 30s, 5m, 1h, 7d; a bare number is in the unit given.\n"
    text += ".PP\nA\n.I live\noption can be changed by CONFIG SET while the server runs; a\n.I restart\none is read when it starts; a\n"
    text += ".I fixed\none is there for clients that ask and has one value.\n.SH OPTIONS\n"
    for row in program.server_options:
        facts = [row.change]
        facts += ["default %s" % row.default] if row.default else []
        facts += ["in %s" % row.unit] if row.unit else []
        facts += [row.bounds] if row.bounds else []
        text += ".TP\n.B %s\n%s\n(%s)\n" % (escaped(row.name), escaped(row.help), escaped("; ".join(facts)))
    return text + FILES + references([("stave", 1), ("stave-serve", 1)])


def pages(program):
    found = {"stave.1": overview(program), "stave.conf.5": configuration(program)}
    for subcommand in program.subcommands:
        if has_page(subcommand):
            found["stave-%s.1" % subcommand.name] = subcommand_page(program, subcommand)
    return found
