# complete.sh SCRIPT WORD...: what bash offers for the last word of a command line,
# one a line.
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_ladon
printf '%s\n' "${COMPREPLY[@]}"
