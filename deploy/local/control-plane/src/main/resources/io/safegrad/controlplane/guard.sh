# Runs "$@" (after the seconds of grace in $1) in a process group of its own that ends with whoever holds our standard
# input: each line there is the name of a signal for the group; its end is TERM, then KILL. Ctrl-C on the terminal does
# not reach the group, so that its members can be stopped in order. Exits as the command did, 128 + n after signal n.
set -m
trap : INT TERM HUP
grace=$1
shift
# What the shell itself says of its jobs is nobody's to read: it is silent before the first one can end.
exec 3<&0 </dev/null 4>&2 2>/dev/null
"$@" 2>&4 3<&- 4>&- &
command=$!
exec 4>&-
{
  while read -r signal <&3; do kill -s "$signal" -- "-$command"; done
  kill -s TERM -- "-$command"
  command -p sleep "$grace"
  kill -s KILL -- "-$command"
} &
watch=$!
exec 3<&-
while kill -0 "$command"; do wait "$command"; done
wait "$command"
status=$?
kill -s KILL -- "-$command" "-$watch"
exit "$status"
