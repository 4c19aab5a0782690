import { argumentArms, commandPattern, indented, optionArms, quote } from './shell.ts';
import type { CommandSpec } from './spec.ts';

/** The completion script for bash 4 and newer. */
export function bashCompletion(specs: readonly CommandSpec[]): string {
  const commands = specs
    .filter((spec) => spec.commands.length > 0)
    .map(
      ({ trail, commands }) =>
        `${quote(trail)}) list=${quote(commands.map(({ name }) => name).join(' '))} ;;`,
    );
  const options = specs.map(
    ({ trail, options }) =>
      `${quote(trail)}) list=${quote(options.flatMap(({ names }) => names).join(' '))} ;;`,
  );
  return `# bash completion for chainbot. Made by: chainbot completion bash

# Adds those of its arguments that begin with the word under the cursor. No compgen -W: it would expand them.
_chainbot_offer() {
  local word
  for word in "$@"; do
    [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
  done
}

# What the daemon knows by name; nothing when it does not answer.
_chainbot_names() {
  local name rest
  while IFS=$'\\t' read -r name rest; do
    [[ $name == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$name")")
  done < <("\${COMP_WORDS[0]}" complete "$1" "\${link[@]}" 2>/dev/null)
}

_chainbot() {
  local cur=\${COMP_WORDS[COMP_CWORD]} trail='' want='' list='' word='' last='' i args=0
  local -a link=()
  COMPREPLY=()
  [[ $cur == '=' ]] && cur=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    [[ $word == '=' ]] && continue
    if [[ -n $want ]]; then
      case $last in --socket|--url|--token) link+=("$last" "$word") ;; esac
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

  if [[ -z $want && $cur == -* ]]; then
    case $trail in
${indented(options, 6)}
    esac
    _chainbot_offer $list
    return
  fi
  if [[ -z $want ]]; then
    case "$trail $args" in
${indented(argumentArms(specs), 6)}
    esac
  fi
  case $want in
    names\\ *) _chainbot_names "\${want#names }" ;;
    choices\\ *) _chainbot_offer \${want#choices } ;;
    file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    any) ;;
    *)
      if ((args == 0)); then
        case $trail in
${indented(commands, 10)}
        esac
        _chainbot_offer $list
      fi
      ;;
  esac
}

complete -F _chainbot chainbot
`;
}
