#!/usr/bin/python3
"""A bot: it answers "load?", "disk?" and "who?" in its rooms, and to whoever writes to it alone.

    answer-bot.py '#ops'
"""

import os
import shutil
import sys

import earshot


def load(_link):
    return " ".join(f"{n:.2f}" for n in os.getloadavg())


def disk(_link):
    usage = shutil.disk_usage("/")
    return f"{usage.used / usage.total:.0%} of / is used"


def who(link):
    return ", ".join(user.handle for user in link.who())


ANSWERS = {"load?": load, "disk?": disk, "who?": who}


def main():
    with earshot.Link(name="answer-bot", listen=True, rooms=sys.argv[1:]) as link:
        for message in link:
            answer = ANSWERS.get(message.text.strip())
            if answer and message.kind == "text":  # other bots do not answer a notice
                link.reply(message, answer(link), kind="notice")


if __name__ == "__main__":
    try:
        main()
    except earshot.Error as error:
        sys.exit(f"answer-bot: {error}")
    except KeyboardInterrupt:
        pass
