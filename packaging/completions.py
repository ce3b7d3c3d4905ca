"""Completions of a `generate_docs.Program` for bash, zsh and fish."""

import re


def first_sentence(text):
    return re.split(r"(?<=[a-z\])])[.;:] |\.$", text, maxsplit=1)[0]


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def bash(program):
    lines = [
        "# bash completion of stave; made from its help.",
        "_stave() {",
        '    local cur="${COMP_WORDS[COMP_CWORD]}" prev="" sub="" words=""',
        '    COMPREPLY=()',
        '    ((COMP_CWORD > 0)) && prev="${COMP_WORDS[COMP_CWORD - 1]}"',
        '    ((COMP_CWORD > 1)) && sub="${COMP_WORDS[1]}"',
        "    # --option=value comes as three words.",
        '    if [[ "$cur" == "=" ]]; then cur=""; elif [[ "$prev" == "=" ]] && ((COMP_CWORD > 2)); then prev="${COMP_WORDS[COMP_CWORD - 2]}"; fi',
        '    case "$sub $prev" in',
    ]
    for subcommand in program.subcommands:
        for option in subcommand.options:
            pattern = "|".join('"%s %s"' % (subcommand.name, name) for name in option.names)
            if option.choices:
                lines.append('        %s) words="%s" ;;' % (pattern, " ".join(option.choices)))
            elif option.takes == "directory":
                lines.append('        %s) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;' % pattern)
            elif option.takes == "file":
                lines.append('        %s) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;' % pattern)
            elif option.value:
                lines.append("        %s) return ;;" % pattern)
    lines += ["    esac", '    if [[ -z "$words" ]]; then', '        case "$sub" in']
    top = [subcommand.name for subcommand in program.subcommands] + [name for option in program.options for name in option.names]
    lines.append('            "") words="%s" ;;' % " ".join(top))
    for subcommand in program.subcommands:
        names = [name for option in subcommand.options for name in option.names]
        if subcommand.name == "shell":
            lines.append('            shell) if [[ "$cur" == -* ]]; then words="%s"; else' % " ".join(names))
            lines.append('                words="%s"' % " ".join(program.store_commands))
            lines.append('                mapfile -t COMPREPLY < <(compgen -d -- "$cur"); fi ;;')
        else:
            lines.append('            %s) words="%s"' % (subcommand.name, " ".join(names)))
            for child in subcommand.children:
                own = " ".join(name for option in child.options for name in option.names)
                lines.append('                if ((COMP_CWORD == 2)); then words+=" %s"; elif [[ "${COMP_WORDS[2]}" == %s ]]; then words="%s"; fi' % (child.name, child.name, own))
            if subcommand.places:
                kind = "d" if subcommand.places == "directory" else "f"
                lines.append('                [[ "$cur" == -* ]] || mapfile -t COMPREPLY < <(compgen -%s -- "$cur")' % kind)
            lines.append("                ;;")
    lines += [
        "        esac",
        "    fi",
        "    local matches",
        '    mapfile -t matches < <(compgen -W "$words" -- "$cur")',
        '    COMPREPLY+=("${matches[@]}")',
        "}",
        "complete -F _stave stave",
    ]
    return "\n".join(lines) + "\n"


def zsh_text(text):
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:").replace("'", "'\\''").replace("`", "")


def zsh_option(option):
    value = ""
    if option.choices:
        value = ":value:(%s)" % " ".join(option.choices)
    elif option.takes == "directory":
        value = ":directory:_directories"
    elif option.takes == "file":
        value = ":file:_files"
    elif option.value:
        value = ":%s: " % zsh_text(option.value.lower())
    text = zsh_text(first_sentence(option.help))
    return ["'%s[%s]%s'" % (name, text, value) for name in option.names]


def zsh(program):
    lines = ["#compdef stave", "# zsh completion of stave; made from its help.", "_stave() {", "  local context state state_descr line", "  typeset -A opt_args", "  local -a subcommands", "  subcommands=("]
    for subcommand in program.subcommands:
        lines.append("    '%s:%s'" % (subcommand.name, zsh_text(subcommand.help)))
    top = [word for option in program.options for word in zsh_option(option)]
    lines += ["  )", "  _arguments -C %s '1: :->subcommand' '*:: :->rest'" % " ".join(top)]
    lines += ["  case $state in", "    subcommand) _describe 'subcommand' subcommands ;;", "    rest)", "      case $line[1] in"]
    for subcommand in program.subcommands:
        words = [word for option in subcommand.options for word in zsh_option(option)]
        if subcommand.name == "shell":
            words += ["'1:directory:_directories'", "'2:command:(%s)'" % " ".join(program.store_commands)]
        words += [word for child in subcommand.children for option in child.options for word in zsh_option(option) if word not in words]
        if subcommand.children:
            words.append("'1:command:_alternative \"commands:command:(%s)\" directories:directory:_directories'" % " ".join(child.name for child in subcommand.children))
        if subcommand.places:
            words.append("'*:%s:%s'" % (subcommand.places, "_directories" if subcommand.places == "directory" else "_files"))
        lines.append("        %s) _arguments %s ;;" % (subcommand.name, " ".join(words)) if words else "        %s) ;;" % subcommand.name)
    lines += ["      esac ;;", "  esac", "}", 'if [ "$funcstack[1]" = "_stave" ]; then _stave "$@"; else compdef _stave stave; fi']
    return "\n".join(lines) + "\n"


def fish_names(names):
    return " ".join(("-l " + name[2:]) if name.startswith("--") else ("-s " + name[1:]) for name in names)


def fish(program):
    lines = ["# fish completion of stave; made from its help.", "complete -c stave -f"]
    for subcommand in program.subcommands:
        lines.append("complete -c stave -n __fish_use_subcommand -a %s -d %s" % (subcommand.name, quoted(first_sentence(subcommand.help))))
    for option in program.options:
        lines.append("complete -c stave -n __fish_use_subcommand %s -d %s" % (fish_names(option.names), quoted(first_sentence(option.help))))
    for subcommand in program.subcommands:
        condition = quoted("__fish_seen_subcommand_from " + subcommand.name)
        if subcommand.name == "shell":
            lines.append("complete -c stave -n %s -a %s" % (condition, quoted("(__fish_complete_directories)")))
        elif subcommand.places == "directory":
            lines.append("complete -c stave -n %s -a %s" % (condition, quoted("(__fish_complete_directories)")))
        elif subcommand.places:
            lines.append("complete -c stave -n %s -F" % condition)
        for child in subcommand.children:
            lines.append("complete -c stave -n %s -a %s -d %s" % (condition, child.name, quoted(first_sentence(child.description))))
        for option in subcommand.options:
            value = ""
            if option.choices:
                value = " -x -a " + quoted(" ".join(option.choices))
            elif option.takes == "directory":
                value = " -x -a " + quoted("(__fish_complete_directories)")
            elif option.takes == "file":
                value = " -r -F"
            elif option.value:
                value = " -x"
            lines.append("complete -c stave -n %s %s%s -d %s" % (condition, fish_names(option.names), value, quoted(first_sentence(option.help))))
    return "\n".join(lines) + "\n"


def scripts(program):
    return {"stave.bash": bash(program), "_stave": zsh(program), "stave.fish": fish(program)}
