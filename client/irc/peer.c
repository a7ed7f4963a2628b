#include "irc/peer.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macro.h"

struct peer_socket {
    uid_t uid;
    uint32_t inode;
    uint32_t cookie[2];
};

static bool peer_unix_is_us(int fd) {
    struct ucred peer;
    socklen_t n = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && n == sizeof peer &&
           peer.pid > 0 && peer.uid == geteuid();
}

static bool peer_is_established(int fd) {
    struct tcp_info info;
    socklen_t n = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 &&
           info.tcpi_state == TCP_ESTABLISHED;
}

/* The ends of `fd`, as its peer has them. */
static bool peer_ends(int fd, struct inet_diag_sockid *id) {
    struct sockaddr_in ours, theirs;
    socklen_t n_ours = sizeof ours, n_theirs = sizeof theirs;
    if (getsockname(fd, (struct sockaddr *)&ours, &n_ours) < 0 ||
        getpeername(fd, (struct sockaddr *)&theirs, &n_theirs) < 0 || ours.sin_family != AF_INET ||
        theirs.sin_family != AF_INET || theirs.sin_addr.s_addr != htonl(INADDR_LOOPBACK))
        return false;
    *id = (struct inet_diag_sockid){
        .idiag_sport = theirs.sin_port,
        .idiag_dport = ours.sin_port,
        .idiag_src = {theirs.sin_addr.s_addr},
        .idiag_dst = {ours.sin_addr.s_addr},
        .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE},
    };
    return true;
}

static bool peer_ask(int netlink, const struct inet_diag_sockid *id) {
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 request;
    } ask = {
        .header = {.nlmsg_len = sizeof ask,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST},
        .request = {.sdiag_family = AF_INET,
                    .sdiag_protocol = IPPROTO_TCP,
                    .idiag_states = 1U << TCP_ESTABLISHED,
                    .id = *id},
    };
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    return sendto(netlink, &ask, sizeof ask, 0, (struct sockaddr *)&kernel, sizeof kernel) ==
           (ssize_t)sizeof ask;
}

static bool peer_same_ends(const struct inet_diag_sockid *a, const struct inet_diag_sockid *b) {
    return a->idiag_sport == b->idiag_sport && a->idiag_dport == b->idiag_dport &&
           a->idiag_src[0] == b->idiag_src[0] && a->idiag_dst[0] == b->idiag_dst[0];
}

/* The kernel answers before sendto() returns, so nothing is waited for. */
static bool peer_answer(int netlink, const struct inet_diag_sockid *id, struct peer_socket *found) {
    union {
        struct nlmsghdr header;
        char bytes[4096];
    } answer;
    struct sockaddr_nl from = {.nl_family = AF_UNSPEC};
    socklen_t n_from = sizeof from;
    ssize_t n =
        recvfrom(netlink, &answer, sizeof answer, MSG_DONTWAIT, (struct sockaddr *)&from, &n_from);
    if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct inet_diag_msg)) || from.nl_family != AF_NETLINK ||
        from.nl_pid != 0 || !NLMSG_OK(&answer.header, (size_t)n) ||
        answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        answer.header.nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
        return false;
    struct inet_diag_msg msg;
    memcpy(&msg, NLMSG_DATA(&answer.header), sizeof msg);
    *found = (struct peer_socket){
        .uid = msg.idiag_uid,
        .inode = msg.idiag_inode,
        .cookie = {msg.id.idiag_cookie[0], msg.id.idiag_cookie[1]},
    };
    return msg.idiag_state == TCP_ESTABLISHED && msg.idiag_inode != 0 &&
           peer_same_ends(&msg.id, id);
}

static bool peer_find(const struct inet_diag_sockid *id, struct peer_socket *found) {
    CLEANUP_CLOSE int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    return netlink >= 0 && peer_ask(netlink, id) && peer_answer(netlink, id, found);
}

static bool peer_tcp_is_us(int fd) {
    struct inet_diag_sockid id;
    struct peer_socket first, second;
    return peer_ends(fd, &id) && peer_is_established(fd) && peer_find(&id, &first) &&
           peer_find(&id, &second) && peer_is_established(fd) && first.uid == geteuid() &&
           second.uid == first.uid && second.inode == first.inode &&
           memcmp(second.cookie, first.cookie, sizeof first.cookie) == 0;
}

bool peer_is_us(int fd) {
    int domain;
    socklen_t n = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) < 0)
        return false;
    return domain == AF_UNIX ? peer_unix_is_us(fd) : domain == AF_INET && peer_tcp_is_us(fd);
}
