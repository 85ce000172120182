/*
 * faults.c: a preload library that fails the nth allocation, read, write or connect of a program
 *
 *     FIRED=/tmp/fired LM_FAIL_ALLOC=17 LD_PRELOAD=build/tests/faults.so lm-stat records.jsonl
 *
 * LM_FAIL_ALLOC    malloc, calloc, realloc, aligned_alloc, posix_memalign (and so C++'s new): NULL, ENOMEM
 * LM_FAIL_READ     read, readv: EIO; recv, recvfrom, recvmsg: ECONNRESET
 * LM_FAIL_WRITE    write, writev: ENOSPC; send, sendto, sendmsg: ECONNRESET
 * LM_FAIL_CONNECT  connect: ECONNREFUSED
 * LM_FAIL_ERRNO    a number: fails with this errno instead
 * LM_FAIL_IN       only in the program of this name, not in those that it starts
 * FIRED            a file that is created when the nth was asked for and has failed
 *
 * So a loop that counts up from 1 until no file appears has failed each call once (style of SQLite and curl). What
 * counts begins with main: the dynamic loader and the constructors of libraries come before any code of ours, are the
 * same in every program, and could only end in an abort. Calls inside libc (stdio's own read) do not come by here.
 * Writes to stderr do not count: a log that cannot be written has nowhere to be reported. Nor do allocations of libcurl
 * and of the libraries beneath it, thousands of them before the first request: libcurl 7.88 divides by zero where it
 * finds no memory, and that is not ours to mend. Where ASan is linked in, malloc is its own and the library must not be
 * loaded.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The allocator under glibc's public names, so that none has to be looked up: dlsym allocates. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

enum call { CALL_ALLOC, CALL_READ, CALL_WRITE, CALL_CONNECT, CALL_COUNT };

static struct {
    unsigned long nth; // 0: none fails; set before main and then only read
    atomic_ulong so_far;
} calls[CALL_COUNT];
static int errno_wanted; // 0: the call's own
static const char *fired_path;

/* The program and the libraries whose allocations count. */
static const char *const ours[] = {"libc.so", "libstdc++", "libsimdjson", "libz.so"};
static struct {
    uintptr_t from, to;
} counted[sizeof ours / sizeof ours[0] + 1];
static int counted_count;

/* Says in the file system, with bare system calls, that the nth has failed. */
static void tell(void)
{
    if (!fired_path)
        return;
    long fd = syscall(SYS_openat, AT_FDCWD, fired_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        syscall(SYS_close, fd);
}

/* Counts a call. Nonzero, with errno set: it is the one that fails. */
static int fails(enum call call, int code)
{
    if (calls[call].nth == 0 || atomic_fetch_add(&calls[call].so_far, 1) + 1 != calls[call].nth)
        return 0;
    tell();
    errno = errno_wanted ? errno_wanted : code;
    return 1;
}

static int note_object(struct dl_phdr_info *info, size_t size, void *unused)
{
    int is_ours = info->dlpi_name[0] == '\0'; // the program, which comes first
    (void)size, (void)unused;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        is_ours |= strstr(info->dlpi_name, ours[i]) != NULL;
    for (int i = 0; is_ours && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) || counted_count == sizeof counted / sizeof counted[0])
            continue;
        counted[counted_count].from = info->dlpi_addr + segment->p_vaddr;
        counted[counted_count].to = counted[counted_count].from + segment->p_memsz;
        counted_count++;
    }
    return 0;
}

static int alloc_fails(const void *caller)
{
    for (int i = 0; i < counted_count; i++)
        if ((uintptr_t)caller >= counted[i].from && (uintptr_t)caller < counted[i].to)
            return fails(CALL_ALLOC, ENOMEM);
    return 0;
}

/* The next definition of a function, looked up at its first call. Two threads that come at once find the same. */
#define NEXT(name) \
    static _Atomic(void *) found; \
    void *next = atomic_load(&found); \
    if (!next) \
        atomic_store(&found, next = dlsym(RTLD_NEXT, #name)); \
    __typeof__(&name) next_##name = (__typeof__(&name))next

void *malloc(size_t size)
{
    return alloc_fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return alloc_fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return alloc_fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return alloc_fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0)
        return EINVAL;
    int before = errno; // the function returns its error and leaves errno alone
    void *memory = alloc_fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
    errno = before;
    if (!memory)
        return ENOMEM;
    *out = memory;
    return 0;
}

ssize_t read(int fd, void *out, size_t size)
{
    NEXT(read);
    return fails(CALL_READ, EIO) ? -1 : next_read(fd, out, size);
}

ssize_t readv(int fd, const struct iovec *parts, int count)
{
    NEXT(readv);
    return fails(CALL_READ, EIO) ? -1 : next_readv(fd, parts, count);
}

ssize_t recv(int fd, void *out, size_t size, int flags)
{
    NEXT(recv);
    return fails(CALL_READ, ECONNRESET) ? -1 : next_recv(fd, out, size, flags);
}

ssize_t recvfrom(int fd, void *out, size_t size, int flags, struct sockaddr *from, socklen_t *from_len)
{
    NEXT(recvfrom);
    return fails(CALL_READ, ECONNRESET) ? -1 : next_recvfrom(fd, out, size, flags, from, from_len);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    NEXT(recvmsg);
    return fails(CALL_READ, ECONNRESET) ? -1 : next_recvmsg(fd, message, flags);
}

/* What read and recv become in libraries that were built with _FORTIFY_SOURCE. */
ssize_t __read_chk(int fd, void *out, size_t size, size_t room);
ssize_t __read_chk(int fd, void *out, size_t size, size_t room)
{
    NEXT(__read_chk);
    return fails(CALL_READ, EIO) ? -1 : next___read_chk(fd, out, size, room);
}

ssize_t __recv_chk(int fd, void *out, size_t size, size_t room, int flags);
ssize_t __recv_chk(int fd, void *out, size_t size, size_t room, int flags)
{
    NEXT(__recv_chk);
    return fails(CALL_READ, ECONNRESET) ? -1 : next___recv_chk(fd, out, size, room, flags);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    NEXT(write);
    return fd != STDERR_FILENO && fails(CALL_WRITE, ENOSPC) ? -1 : next_write(fd, bytes, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    NEXT(writev);
    return fd != STDERR_FILENO && fails(CALL_WRITE, ENOSPC) ? -1 : next_writev(fd, parts, count);
}

ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
    NEXT(send);
    return fails(CALL_WRITE, ECONNRESET) ? -1 : next_send(fd, bytes, size, flags);
}

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t to_len)
{
    NEXT(sendto);
    return fails(CALL_WRITE, ECONNRESET) ? -1 : next_sendto(fd, bytes, size, flags, to, to_len);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    NEXT(sendmsg);
    return fails(CALL_WRITE, ECONNRESET) ? -1 : next_sendmsg(fd, message, flags);
}

int connect(int fd, const struct sockaddr *to, socklen_t to_len)
{
    NEXT(connect);
    return fails(CALL_CONNECT, ECONNREFUSED) ? -1 : next_connect(fd, to, to_len);
}

static unsigned long number_of(const char *variable)
{
    const char *text = getenv(variable);
    return text ? strtoul(text, NULL, 10) : 0;
}

static void begin_to_count(void)
{
    static const char *const variables[CALL_COUNT] = {"LM_FAIL_ALLOC", "LM_FAIL_READ", "LM_FAIL_WRITE", "LM_FAIL_CONNECT"};
    const char *only = getenv("LM_FAIL_IN");
    if (only && strcmp(only, program_invocation_short_name) != 0)
        return;
    fired_path = getenv("FIRED");
    errno_wanted = (int)number_of("LM_FAIL_ERRNO");
    dl_iterate_phdr(note_object, NULL);
    for (size_t i = 0; i < CALL_COUNT; i++)
        calls[i].nth = number_of(variables[i]);
}

static int (*program_main)(int, char **, char **);

static int counted_main(int argc, char **argv, char **envp)
{
    begin_to_count();
    return program_main(argc, argv, envp);
}

/* The start of every program, which takes its main: this is how we are there when it begins. */
int __libc_start_main(int (*entry)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end);
int __libc_start_main(int (*entry)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end)
{
    NEXT(__libc_start_main);
    program_main = entry;
    return next___libc_start_main(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}
