/* base/share.c: see share.h */
#include "base/share.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const in_tree[] = {
    [SHARE_ITEMS] = "pipelines/items", [SHARE_PROMPTS] = "pipelines/prompts", [SHARE_CONFIGS] = "configs", [SHARE_DATA] = "data"};
static const char *const installed[] = {[SHARE_ITEMS] = "items", [SHARE_PROMPTS] = "prompts", [SHARE_CONFIGS] = "configs"};

/* The folder that the program stands in. */
static int own_folder(char folder[PATH_MAX], struct err *err)
{
    ssize_t len = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (len < 0)
        return err_errno(err, "/proc/self/exe");
    folder[len] = '\0';
    *strrchr(folder, '/') = '\0'; // the link is an absolute path
    return 0;
}

static int cache_path(struct buf *path, struct err *err)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/')
        buf_addf(path, "%s/lmutils", cache);
    else if (home && home[0] == '/')
        buf_addf(path, "%s/.cache/lmutils", home);
    else
        return err_set(err, ERR_MISSING, "no folder for downloads: neither XDG_CACHE_HOME nor HOME is set");
    return 0;
}

/* True if folder/below is there; path is then it. */
static bool is_there(struct buf *path, const char *folder, const char *below)
{
    buf_clear(path);
    buf_addf(path, "%s/%s", folder, below);
    buf_add_char(path, '\0');
    return !path->failed && access(path->ptr, F_OK) == 0;
}

int share_path(struct buf *path, enum share_kind kind, const char *name, struct err *err)
{
    static const char *const roots[] = {"..", "../.."}; // of build/ and build/san/
    char folder[PATH_MAX], root[PATH_MAX + 8];
    if (own_folder(folder, err) < 0)
        return -1;
    if (is_there(path, folder, "../share/lmutils/items")) {
        buf_clear(path);
        if (kind != SHARE_DATA)
            buf_addf(path, "%s/../share/lmutils/%s", folder, installed[kind]);
        else if (cache_path(path, err) < 0)
            return -1;
    } else {
        size_t at = 0;
        for (; at < COUNT(roots); at++) {
            buf_clear(path);
            snprintf(root, sizeof root, "%s/%s", folder, roots[at]);
            if (is_there(path, root, in_tree[SHARE_ITEMS]))
                break;
        }
        if (at == COUNT(roots))
            return path->failed ? err_nomem(err) : err_set(err, ERR_MISSING, "%s: neither installed nor in its source tree", folder);
        buf_clear(path);
        buf_addf(path, "%s/%s", root, in_tree[kind]);
    }
    if (name[0] != '\0')
        buf_addf(path, "/%s", name);
    buf_add_char(path, '\0');
    path->len--;
    return path->failed ? err_nomem(err) : 0;
}
