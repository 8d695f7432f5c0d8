/* A TCP echo server on one epoll loop: what one thread of C can do. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a client has not taken yet. */
struct pending {
	char *data;
	size_t from, to;
};

static struct pending *pending;
static char buf[64 << 10];
static int ep;

static void drop(int fd)
{
	free(pending[fd].data);
	memset(&pending[fd], 0, sizeof pending[fd]);
	close(fd);
}

static void watch(int op, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.fd = fd};
	epoll_ctl(ep, op, fd, &e);
}

static void echo(int fd)
{
	ssize_t n = read(fd, buf, sizeof buf);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			drop(fd);
		return;
	}
	ssize_t w = write(fd, buf, n);
	if (w < 0 && errno != EAGAIN) {
		drop(fd);
		return;
	}
	if (w < 0)
		w = 0;
	if (w < n) {
		struct pending *p = &pending[fd];
		p->data = malloc(n - w);
		memcpy(p->data, buf + w, n - w);
		p->from = 0;
		p->to = n - w;
		watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
	}
}

static void flush(int fd)
{
	struct pending *p = &pending[fd];
	ssize_t w = write(fd, p->data + p->from, p->to - p->from);
	if (w < 0) {
		if (errno != EAGAIN)
			drop(fd);
		return;
	}
	p->from += w;
	if (p->from == p->to) {
		free(p->data);
		p->data = NULL;
		watch(EPOLL_CTL_MOD, fd, EPOLLIN);
	}
}

static void take(int listener)
{
	int fd, one = 1;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		watch(EPOLL_CTL_ADD, fd, EPOLLIN);
	}
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	struct sockaddr_in a = {.sin_family = AF_INET};
	int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (argc != 2 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 2;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	pending = calloc(limit.rlim_max, sizeof *pending);
	a.sin_port = htons(atoi(argv[1]));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (struct sockaddr *)&a, sizeof a) < 0 || listen(listener, 4096) < 0) {
		perror("listen");
		return 1;
	}
	ep = epoll_create1(0);
	watch(EPOLL_CTL_ADD, listener, EPOLLIN);
	for (;;) {
		struct epoll_event events[128];
		int n = epoll_wait(ep, events, 128, -1);
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			if (fd == listener)
				take(listener);
			else if (pending[fd].data)
				flush(fd);
			else
				echo(fd);
		}
	}
}
