#define _GNU_SOURCE
#include "CMock.h"

#include "../../include/thinkwire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The same number on all architectures; older headers do not have it. */
enum { SYS_EPOLL_PWAIT2 = 441 };

static int argument_count;
static char **arguments;

/* glibc passes the arguments of main to constructors too. */
__attribute__((constructor)) static void remember_arguments(int count, char **values)
{
    argument_count = count;
    arguments = values;
}

const char *mock_argument(int index)
{
    return index >= 0 && index < argument_count ? arguments[index] : NULL;
}

const char *mock_version(void)
{
    return TW_VERSION;
}

int mock_listen(const char *host, uint16_t port)
{
    struct addrinfo *found;
    struct addrinfo wanted = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    char digits[6];
    snprintf(digits, sizeof digits, "%u", port);
    if (getaddrinfo(host, digits, &wanted, &found) != 0) return -EADDRNOTAVAIL;
    int yes = 1;
    int result = -1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        result = bind(fd, found->ai_addr, found->ai_addrlen);
        if (result == 0) result = listen(fd, 4096);
    }
    int saved_errno = errno;
    freeaddrinfo(found);
    if (result == 0) return fd;
    if (fd >= 0) close(fd);
    return -saved_errno;
}

int mock_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
    } address;
    socklen_t length = sizeof address;
    if (getsockname(fd, &address.any, &length) < 0) return -errno;
    return ntohs(address.any.sa_family == AF_INET6 ? address.ipv6.sin6_port
                                                   : address.ipv4.sin_port);
}

int mock_accept(int fd)
{
    int connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0) return -errno;
    int yes = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return connection;
}

long mock_receive(int fd, void *bytes, size_t length)
{
    ssize_t count = recv(fd, bytes, length, 0);
    return count < 0 ? -errno : count;
}

long mock_send(int fd, const void *bytes, size_t length)
{
    ssize_t count = send(fd, bytes, length, MSG_NOSIGNAL);
    return count < 0 ? -errno : count;
}

int mock_unsent(int fd)
{
    int count = 0;
    return ioctl(fd, SIOCOUTQ, &count) < 0 ? 0 : count;
}

void mock_finish(int fd)
{
    shutdown(fd, SHUT_WR);
}

void mock_reset(int fd)
{
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

int mock_epoll_create(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int epoll_set(int epoll, int operation, int fd, uint64_t key, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.u64 = key };
    return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int mock_epoll_add(int epoll, int fd, uint64_t key, uint32_t events)
{
    return epoll_set(epoll, EPOLL_CTL_ADD, fd, key, events);
}

int mock_epoll_change(int epoll, int fd, uint64_t key, uint32_t events)
{
    return epoll_set(epoll, EPOLL_CTL_MOD, fd, key, events);
}

int mock_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t timeout_ns)
{
    struct timespec timeout = { .tv_sec = timeout_ns / 1000000000,
                                .tv_nsec = timeout_ns % 1000000000 };
    /* The C library has a function for it from glibc 2.35 on. */
    long ready = syscall(SYS_EPOLL_PWAIT2, epoll, events, count, timeout_ns < 0 ? NULL : &timeout,
                         NULL, (size_t)0);
    if (ready < 0) return errno == EINTR ? 0 : -errno;
    return (int)ready;
}

int mock_signals(void)
{
    // Without this, a log whose reader has exited would end the server.
    signal(SIGPIPE, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int mock_open_append(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

int mock_open_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void mock_raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void mock_timestamp(char *text)
{
    struct timespec now;
    struct tm parts;
    char day[21];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, MOCK_TIMESTAMP + 1, "%.19s.%03dZ", day, (int)(now.tv_nsec / 1000000) % 1000);
}

uint64_t mock_random(void)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        number = (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
    return number;
}

/* Swift seeds its hashing with it. The C library has it from glibc 2.36 on. */
void arc4random_buf(void *buffer, size_t size)
{
    for (unsigned char *byte = buffer; size > 0; size--) *byte++ = (unsigned char)mock_random();
}
