/*
 * A small HTTP server for tests of core/fetch: one thread, epoll, thousands of connections. What it
 * answers is in the path:
 *   /echo             the request: method, target, headers and body
 *   /status/N         that status, with Retry-After: 7
 *   /delay/MS         "late" after so long
 *   /gather/N         "here", for all of them once N requests are open
 *   /big/N            N bytes; /chunked/N the same in one chunk, without Content-Length
 *   /drip/N/MS        N bytes, one every MS milliseconds
 *   /to/CODE/URL      a redirect
 *   /gzip             "hello" compressed;  /bomb  100,000 zero bytes compressed
 *   /headers/N        N bytes of headers
 *   /hang  /cut  /junk   never answers; closes in the middle; is not HTTP
 */
#ifndef MILLRACE_CORE_FETCH_TEST_SERVER_H
#define MILLRACE_CORE_FETCH_TEST_SERVER_H

#include "core.h"

#include <stdatomic.h>

struct test_server;

struct test_server *test_server_open(void);
void test_server_close(struct test_server *s);
int test_server_port(const struct test_server *s);
int test_server_requests(struct test_server *s);    /* answered or being answered */
int test_server_connections(struct test_server *s); /* accepted so far */
int test_server_peak(struct test_server *s);        /* most requests open at once */

#endif
