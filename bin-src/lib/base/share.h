/*
 * base/share.h: the files that come with lmutils, and the folder of what it downloads
 *
 *     struct buf path = {0};
 *     if (share_path(&path, SHARE_PROMPTS, "gsm8k.txt", &err) < 0) ...
 *
 * Found from where the program stands: PREFIX/share/lmutils beside PREFIX/bin, else the source tree that the program
 * was built in (build/ or build/san/). Downloads go to data/ of the tree, or, installed, to $XDG_CACHE_HOME/lmutils
 * ($HOME/.cache/lmutils). For programs.
 */
#ifndef BASE_SHARE_H
#define BASE_SHARE_H

#include "base/buf.h"
#include "base/err.h"

enum share_kind { SHARE_ITEMS, SHARE_PROMPTS, SHARE_CONFIGS, SHARE_DATA };

/* Makes path, which it empties first, that of the file, zero-terminated; whether there is one is for who opens it. An empty name: of
 * the folder. */
int share_path(struct buf *path, enum share_kind kind, const char *name, struct err *err);

#endif
