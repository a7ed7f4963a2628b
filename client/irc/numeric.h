/* The numerics that are said (modern.ircdocs.horse, defs.ircdocs.horse), with their last parameter
 * where it is always the same. */
#pragma once

/* clang-format off */
#define NUMERICS(R)                                                                                \
    R(WELCOME, 1, NULL)                                                                            \
    R(YOURHOST, 2, NULL)                                                                           \
    R(CREATED, 3, NULL)                                                                            \
    R(MYINFO, 4, NULL)                                                                             \
    R(ISUPPORT, 5, "are supported by this server")                                                 \
    R(UMODEIS, 221, NULL)                                                                          \
    R(LUSERCLIENT, 251, NULL)                                                                      \
    R(LUSEROP, 252, "operators online")                                                            \
    R(LUSERUNKNOWN, 253, "unknown connections")                                                    \
    R(LUSERCHANNELS, 254, "channels formed")                                                       \
    R(LUSERME, 255, NULL)                                                                          \
    R(ADMINME, 256, "Administrative info")                                                         \
    R(ADMINLOC1, 257, NULL)                                                                        \
    R(ADMINLOC2, 258, NULL)                                                                        \
    R(ADMINEMAIL, 259, NULL)                                                                       \
    R(LOCALUSERS, 265, NULL)                                                                       \
    R(GLOBALUSERS, 266, NULL)                                                                      \
    R(AWAY, 301, NULL)                                                                             \
    R(USERHOST, 302, NULL)                                                                         \
    R(ISON, 303, NULL)                                                                             \
    R(UNAWAY, 305, "You are no longer marked as being away")                                       \
    R(NOWAWAY, 306, "You have been marked as being away")                                          \
    R(WHOISUSER, 311, NULL)                                                                        \
    R(WHOISSERVER, 312, NULL)                                                                      \
    R(WHOISOPERATOR, 313, "is an IRC operator")                                                    \
    R(WHOWASUSER, 314, NULL)                                                                       \
    R(ENDOFWHO, 315, "End of WHO list")                                                            \
    R(WHOISIDLE, 317, "seconds idle, signon time")                                                 \
    R(ENDOFWHOIS, 318, "End of /WHOIS list")                                                       \
    R(WHOISCHANNELS, 319, NULL)                                                                    \
    R(WHOISSPECIAL, 320, NULL)                                                                     \
    R(LISTSTART, 321, "Users  Name")                                                               \
    R(LIST, 322, NULL)                                                                             \
    R(LISTEND, 323, "End of /LIST")                                                                \
    R(CHANNELMODEIS, 324, NULL)                                                                    \
    R(CREATIONTIME, 329, NULL)                                                                     \
    R(WHOISACCOUNT, 330, "is logged in as")                                                        \
    R(NOTOPIC, 331, "No topic is set")                                                             \
    R(TOPIC, 332, NULL)                                                                            \
    R(TOPICWHOTIME, 333, NULL)                                                                     \
    R(INVITING, 341, NULL)                                                                         \
    R(VERSION, 351, NULL)                                                                          \
    R(WHOREPLY, 352, NULL)                                                                         \
    R(NAMREPLY, 353, NULL)                                                                         \
    R(WHOSPCRPL, 354, NULL)                                                                        \
    R(LINKS, 364, NULL)                                                                            \
    R(ENDOFLINKS, 365, "End of /LINKS list")                                                       \
    R(ENDOFNAMES, 366, "End of /NAMES list")                                                       \
    R(BANLIST, 367, NULL)                                                                          \
    R(ENDOFBANLIST, 368, "End of channel ban list")                                                \
    R(ENDOFWHOWAS, 369, "End of WHOWAS")                                                           \
    R(INFO, 371, NULL)                                                                             \
    R(MOTD, 372, NULL)                                                                             \
    R(ENDOFINFO, 374, "End of INFO")                                                               \
    R(MOTDSTART, 375, NULL)                                                                        \
    R(ENDOFMOTD, 376, "End of MOTD")                                                               \
    R(YOUREOPER, 381, "You may keep order here: the hub is yours")                                 \
    R(TIME, 391, NULL)                                                                             \
    R(NOSUCHNICK, 401, "No such nick/channel")                                                     \
    R(NOSUCHSERVER, 402, "No such server")                                                         \
    R(NOSUCHCHANNEL, 403, "No such channel")                                                       \
    R(CANNOTSENDTOCHAN, 404, NULL)                                                                 \
    R(TOOMANYCHANNELS, 405, NULL)                                                                  \
    R(WASNOSUCHNICK, 406, "There was no such nickname")                                            \
    R(TOOMANYTARGETS, 407, "Too many targets")                                                     \
    R(NOORIGIN, 409, "No origin specified")                                                        \
    R(INVALIDCAPCMD, 410, "Invalid CAP command")                                                   \
    R(NORECIPIENT, 411, NULL)                                                                      \
    R(NOTEXTTOSEND, 412, "No text to send")                                                        \
    R(INPUTTOOLONG, 417, "Input line was too long")                                                \
    R(UNKNOWNCOMMAND, 421, "Unknown command")                                                      \
    R(NOMOTD, 422, "There is no message of the day")                                               \
    R(NONICKNAMEGIVEN, 431, "No nickname given")                                                   \
    R(ERRONEUSNICKNAME, 432, NULL)                                                                 \
    R(NICKNAMEINUSE, 433, NULL)                                                                    \
    R(USERNOTINCHANNEL, 441, "They aren't on that channel")                                        \
    R(NOTONCHANNEL, 442, "You're not on that channel")                                             \
    R(USERONCHANNEL, 443, "is already on channel")                                                 \
    R(NOTREGISTERED, 451, "You have not registered")                                               \
    R(NEEDMOREPARAMS, 461, "Not enough parameters")                                                \
    R(ALREADYREGISTERED, 462, "You may not register again")                                        \
    R(UNKNOWNMODE, 472, NULL)                                                                      \
    R(INVITEONLYCHAN, 473, NULL)                                                                   \
    R(BANNEDFROMCHAN, 474, NULL)                                                                   \
    R(BADCHANMASK, 476, "Bad channel name")                                                        \
    R(NOPRIVILEGES, 481, "Permission Denied- You're not an IRC operator")                          \
    R(CHANOPRIVSNEEDED, 482, NULL)                                                                 \
    R(NOOPERHOST, 491, NULL)                                                                       \
    R(UMODEUNKNOWNFLAG, 501, "Unknown mode flag")                                                  \
    R(USERSDONTMATCH, 502, "Modes of others cannot be seen or changed")                            \
    R(HELPNOTFOUND, 524, "There is no help on that")                                               \
    R(HELPSTART, 704, NULL)                                                                        \
    R(HELPTXT, 705, NULL)                                                                          \
    R(ENDOFHELP, 706, NULL)                                                                        \
    R(MONONLINE, 730, NULL)                                                                        \
    R(MONOFFLINE, 731, NULL)                                                                       \
    R(MONLIST, 732, NULL)                                                                          \
    R(ENDOFMONLIST, 733, "End of MONITOR list")                                                    \
    R(MONLISTFULL, 734, "Monitor list is full")                                                    \
    R(LOGGEDIN, 900, NULL)                                                                         \
    R(SASLSUCCESS, 903, "SASL authentication successful")                                          \
    R(SASLFAIL, 904, "SASL authentication failed: this door knows you, say EXTERNAL")              \
    R(SASLABORTED, 906, "SASL authentication aborted")                                             \
    R(SASLALREADY, 907, "You have already authenticated")                                          \
    R(SASLMECHS, 908, "are available SASL mechanisms")
/* clang-format on */

enum numeric {
#define NUMERIC_ENUM(NAME, number, text) NUMERIC_##NAME = number,
    NUMERICS(NUMERIC_ENUM)
#undef NUMERIC_ENUM
};

/* The last parameter; NULL: whoever says it has one. */
const char *numeric_text(enum numeric numeric);
