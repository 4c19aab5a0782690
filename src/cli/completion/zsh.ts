import { argumentArms, commandPattern, indented, optionArms, quote } from './shell.ts';
import type { CommandSpec } from './spec.ts';

/** The completion script for zsh. (In zsh the name `path` is taken: it is $PATH.) */
export function zshCompletion(specs: readonly CommandSpec[]): string {
  const commands = specs
    .filter((spec) => spec.commands.length > 0)
    .map(({ trail, commands }) => `${quote(trail)}) list=(${commands.map(described).join(' ')}) ;;`);
  const options = specs.map(
    ({ trail, options }) =>
      `${quote(trail)}) list=(${options
        .flatMap(({ names, description }) => names.map((name) => described({ name, description })))
        .join(' ')}) ;;`,
  );
  return `#compdef chainbot
# zsh completion for chainbot. Made by: chainbot completion zsh

# What the daemon knows by name; nothing when it does not answer.
_chainbot_names() {
  local line
  local -a names
  for line in "\${(@f)$($words[1] complete $1 $link 2>/dev/null)}"; do
    [[ -n $line ]] && names+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe -t names "$1" names
}

_chainbot() {
  local trail='' want='' word='' last=''
  local -a list link
  integer i args=0
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    if [[ -n $want ]]; then
      case $last in (--socket|--url|--token) link+=($last $word) ;; esac
      want=''
      continue
    fi
    last=$word
    if [[ $word == -* ]]; then
      case "$trail $word" in
${indented(optionArms(specs), 8)}
      esac
      continue
    fi
    case "$trail $word" in
      ${commandPattern(specs)}) trail="\${trail:+$trail }$word" ;;
      *) args=$((args + 1)) ;;
    esac
  done

  if [[ -z $want && $words[CURRENT] == -* ]]; then
    case $trail in
${indented(options, 6)}
    esac
    _describe -o option list
    return
  fi
  if [[ -z $want ]]; then
    case "$trail $args" in
${indented(argumentArms(specs), 6)}
    esac
  fi
  case $want in
    names\\ *) _chainbot_names "\${want#names }" ;;
    choices\\ *) compadd -- \${=want#choices } ;;
    file) _files ;;
    any) ;;
    *)
      if ((args == 0)); then
        case $trail in
${indented(commands, 10)}
        esac
        _describe -t commands command list
      fi
      ;;
  esac
}

# Autoloaded from $fpath it is the completion itself; sourced it registers it.
if [[ $funcstack[1] == _chainbot ]]; then
  _chainbot "$@"
else
  compdef _chainbot chainbot
fi
`;
}

/** `name:description`, as _describe reads it. */
function described({ name, description }: { readonly name: string; readonly description: string }): string {
  return quote(`${name.replaceAll(':', '\\\\:')}:${description}`);
}
