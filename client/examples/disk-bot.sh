#!/bin/sh
# A bot: whoever writes "disk?" in its room or to it alone is told how full the disk is.
#
#   disk-bot.sh '#ops'
#
# `earshot listen` runs this script again for each message, with MESSAGE as its only word, the
# message on standard input and what is most needed of it in the environment.
set -eu

if [ "${1-}" != MESSAGE ]; then
    exec earshot --name disk-bot listen disk-bot "$@" --exec "'$0' MESSAGE"
fi

case $(jq -r 'select(.kind == "text") | .text') in
'disk?') df -h / | tail -n 1 ;;
*) exit 0 ;;
esac | earshot --name disk-bot send "$EARSHOT_CONV" --notice --reply-to "$EARSHOT_ID"
