/* synth/words.c: see words.h */
#include "synth/words.h"

#include <inttypes.h>
#include <stdlib.h>

/* clang-format off */
static const char *const list[] = {
    "able", "about", "above", "across", "act", "add", "after", "again", "age", "ago", "air", "all", "almost", "alone", "along",
    "also", "always", "among", "amount", "and", "animal", "another", "answer", "any", "appear", "apple", "area", "arm", "army",
    "around", "arrive", "art", "ask", "away", "baby", "back", "bad", "bag", "ball", "band", "bank", "bar", "base", "battle", "beach",
    "bear", "beat", "beauty", "became", "become", "bed", "been", "before", "began", "begin", "behind", "being", "believe", "bell",
    "below", "beside", "best", "better", "between", "beyond", "big", "bird", "birth", "black", "block", "blood", "blue", "board",
    "boat", "body", "book", "border", "born", "both", "bottle", "bottom", "box", "boy", "branch", "bread", "break", "bridge",
    "bright", "bring", "broad", "broken", "brother", "brought", "brown", "build", "building", "built", "burn", "bus", "business",
    "busy", "but", "buy", "call", "came", "camp", "can", "capital", "captain", "car", "card", "care", "carry", "case", "cat", "catch",
    "cause", "cell", "center", "central", "century", "certain", "chain", "chair", "chance", "change", "chapter", "charge", "check",
    "chief", "child", "children", "choice", "choose", "church", "circle", "city", "class", "clean", "clear", "climb", "clock",
    "close", "cloud", "club", "coast", "coat", "cold", "collect", "color", "come", "common", "company", "compare", "complete",
    "control", "cook", "cool", "copper", "copy", "corner", "cost", "cotton", "could", "count", "country", "couple", "course",
    "court", "cover", "create", "cross", "crowd", "cup", "current", "cut", "daily", "dance", "danger", "dark", "date", "daughter",
    "day", "dead", "deal", "death", "deep", "degree", "describe", "desert", "design", "develop", "did", "die", "difference",
    "different", "difficult", "dinner", "direct", "direction", "discover", "distance", "divide", "doctor", "dog", "done", "door",
    "double", "down", "draw", "dream", "dress", "drink", "drive", "drop", "dry", "during", "each", "ear", "early", "earth", "ease",
    "east", "easy", "eat", "edge", "effect", "egg", "eight", "either", "electric", "element", "else", "empty", "end", "enemy",
    "energy", "engine", "enjoy", "enough", "enter", "entire", "equal", "even", "evening", "event", "ever", "every", "example",
    "except", "exercise", "expect", "experience", "explain", "express", "eye", "face", "fact", "factory", "fair", "fall", "family",
    "famous", "far", "farm", "fast", "father", "favor", "fear", "feel", "feet", "fell", "felt", "few", "field", "fight", "figure",
    "fill", "final", "find", "fine", "finger", "finish", "fire", "first", "fish", "five", "flat", "floor", "flow", "flower", "fly",
    "follow", "food", "foot", "for", "force", "foreign", "forest", "form", "forward", "found", "four", "free", "fresh", "friend",
    "from", "front", "fruit", "full", "fun", "future", "game", "garden", "gas", "gather", "gave", "general", "gentle", "get", "girl",
    "give", "glad", "glass", "goes", "gold", "gone", "good", "got", "govern", "grand", "grass", "gray", "great", "green", "grew",
    "ground", "group", "grow", "guess", "guide", "hair", "half", "hand", "happen", "happy", "hard", "has", "hat", "have", "head",
    "hear", "heard", "heart", "heat", "heavy", "held", "help", "her", "here", "high", "hill", "him", "his", "history", "hold", "hole",
    "home", "hope", "horse", "hospital", "hot", "hour", "house", "how", "huge", "human", "hundred", "hunt", "hurry", "ice", "idea",
    "important", "inch", "include", "increase", "industry", "inside", "instead", "interest", "into", "iron", "island", "job", "join",
    "journey", "judge", "jump", "just", "keep", "kept", "key", "kind", "king", "kitchen", "knew", "know", "known", "lady", "lake",
    "land", "language", "large", "last", "late", "laugh", "law", "lay", "lead", "learn", "least", "leave", "led", "left", "leg",
    "length", "less", "lesson", "let", "letter", "level", "lie", "life", "lift", "light", "like", "line", "list", "listen", "little",
    "live", "local", "long", "look", "lost", "lot", "loud", "love", "low", "lunch", "machine", "made", "main", "major", "make", "man",
    "many", "map", "mark", "market", "master", "match", "material", "matter", "may", "mean", "measure", "meat", "meet", "member",
    "men", "metal", "method", "middle", "might", "mile", "milk", "million", "mind", "mine", "minute", "miss", "mix", "modern",
    "moment", "money", "month", "moon", "more", "morning", "most", "mother", "motion", "mountain", "mouth", "move", "much", "music",
    "must", "name", "narrow", "nation", "natural", "nature", "near", "neck", "need", "never", "new", "next", "night", "nine", "noise",
    "none", "noon", "north", "nose", "note", "nothing", "notice", "now", "number", "object", "ocean", "off", "offer", "office",
    "often", "oil", "old", "once", "one", "only", "open", "operate", "opposite", "orange", "order", "other", "our", "out", "outside",
    "over", "own", "page", "paint", "pair", "paper", "parent", "park", "part", "party", "pass", "past", "path", "pattern", "pay",
    "peace", "people", "perfect", "perhaps", "period", "person", "picture", "piece", "place", "plain", "plan", "plane", "plant",
    "play", "please", "point", "police", "poor", "popular", "port", "position", "possible", "post", "pound", "power", "practice",
    "prepare", "present", "press", "pretty", "price", "print", "private", "prize", "problem", "process", "produce", "product",
    "program", "promise", "proper", "protect", "prove", "provide", "public", "pull", "purpose", "push", "put", "quality", "quart",
    "queen", "question", "quick", "quiet", "quite", "race", "radio", "rain", "raise", "ran", "range", "rather", "reach", "read",
    "ready", "real", "reason", "receive", "record", "red", "remain", "remember", "repeat", "reply", "report", "rest", "result",
    "return", "rich", "ride", "right", "ring", "rise", "river", "road", "rock", "roll", "roof", "room", "root", "rose", "round", "row",
    "rule", "run", "safe", "said", "sail", "salt", "same", "sand", "saw", "say", "scale", "school", "science", "score", "sea",
    "search", "season", "seat", "second", "secret", "see", "seed", "seem", "seen", "sell", "send", "sense", "sent", "sentence",
    "separate", "serve", "service", "set", "seven", "several", "shall", "shape", "share", "sharp", "she", "sheet", "ship", "shoe",
    "shop", "shore", "short", "should", "shoulder", "shout", "show", "side", "sight", "sign", "silent", "silver", "similar",
    "simple", "since", "sing", "single", "sister", "sit", "six", "size", "skill", "skin", "sky", "sleep", "slow", "small", "smell",
    "smile", "snow", "soft", "soil", "soldier", "some", "son", "song", "soon", "sort", "sound", "south", "space", "speak", "special",
    "speech", "speed", "spend", "spoke", "spot", "spread", "spring", "square", "stand", "star", "start", "state", "station", "stay",
    "steam", "steel", "step", "still", "stone", "stood", "stop", "store", "storm", "story", "straight", "strange", "stream", "street",
    "strong", "student", "study", "subject", "such", "sudden", "sugar", "suit", "summer", "sun", "supply", "support", "sure",
    "surface", "surprise", "swim", "symbol", "system", "table", "tail", "take", "talk", "tall", "taste", "teach", "teacher", "team",
    "tell", "ten", "term", "test", "than", "thank", "that", "the", "their", "them", "then", "there", "these", "they", "thick", "thin",
    "thing", "think", "third", "this", "those", "though", "thought", "thousand", "three", "through", "time", "tiny", "together",
    "told", "took", "tool", "top", "total", "touch", "toward", "town", "track", "trade", "train", "travel", "tree", "trip", "trouble",
    "truck", "true", "trust", "try", "turn", "twenty", "two", "type", "uncle", "under", "unit", "until", "upon", "use", "usual",
    "valley", "value", "various", "very", "view", "village", "visit", "voice", "wait", "walk", "wall", "want", "war", "warm", "was",
    "wash", "watch", "water", "wave", "way", "wear", "weather", "week", "weight", "well", "went", "were", "west", "what", "wheel",
    "when", "where", "which", "while", "white", "who", "whole", "whose", "why", "wide", "wife", "wild", "will", "win", "wind",
    "window", "wing", "winter", "wish", "with", "within", "without", "woman", "women", "wonder", "wood", "word", "work", "world",
    "worth", "would", "write", "written", "wrong", "yard", "year", "yellow", "yes", "yet", "you", "young", "your",
};
/* clang-format on */

#define FRONT "the"
enum { LEAST_WORDS = 32, TRIES = 8 };
enum first { FIRST_UNKNOWN, FIRST_YES, FIRST_NO };

struct words {
    struct tokenizer *tokenizer;
    int64_t special; // tokens that the tokenizer adds to each text
    int64_t alone;   // tokens of the first word in front of those that are tried
    struct buf scratch;
    size_t count;
    struct word {
        const char *text;
        enum first first; // one token at the start of a text, too?
    } usable[COUNT(list)];
};

/* Tokens of the words from..to of the list, where another stands in front. */
static int64_t count_words(struct words *words, size_t from, size_t to, struct err *err)
{
    struct buf *text = &words->scratch;
    buf_clear(text);
    buf_add_str(text, STR(FRONT));
    for (size_t i = from; i < to; i++)
        buf_addf(text, " %s", list[i]);
    int64_t count = text->failed ? err_nomem(err) : tokenizer_count(words->tokenizer, buf_str(text), err);
    return count < 0 ? -1 : count < words->alone ? 0 : count - words->alone;
}

/* Takes those of from..to that are one token. */
static int find_usable(struct words *words, size_t from, size_t to, struct err *err)
{
    int64_t count = count_words(words, from, to, err);
    if (count == -1)
        return -1;
    if (count == (int64_t)(to - from)) {
        for (size_t i = from; i < to; i++)
            words->usable[words->count++] = (struct word){list[i], FIRST_UNKNOWN};
        return 0;
    }
    if (to - from == 1)
        return 0;
    size_t middle = from + (to - from) / 2;
    return find_usable(words, from, middle, err) < 0 || find_usable(words, middle, to, err) < 0 ? -1 : 0;
}

static int ask(struct words *words, struct err *err)
{
    enum { PART = 64 }; // most are usable, so that larger parts would be halved mostly for nothing
    words->special = tokenizer_count(words->tokenizer, STR(""), err);
    words->alone = words->special < 0 ? -1 : tokenizer_count(words->tokenizer, STR(FRONT), err);
    if (words->alone < 0)
        return -1;
    for (size_t from = 0; from < COUNT(list); from += PART)
        if (find_usable(words, from, from + PART < COUNT(list) ? from + PART : COUNT(list), err) < 0)
            return -1;
    if (words->count < LEAST_WORDS)
        return err_set(err, ERR_NET, "/tokenize: of %zu common words only %zu are one token each: no exact length can be made", COUNT(list),
                       words->count);
    return 0;
}

struct words *words_new(const struct tokenizer_options *tokenizer, struct err *err)
{
    struct words *words = calloc(1, sizeof *words);
    if (!words) {
        err_nomem(err);
        return NULL;
    }
    if (tokenizer && (!(words->tokenizer = tokenizer_open(tokenizer, err)) || ask(words, err) < 0)) {
        words_free(words);
        return NULL;
    }
    for (size_t i = 0; !tokenizer && i < COUNT(list); i++)
        words->usable[words->count++] = (struct word){list[i], FIRST_YES};
    return words;
}

void words_free(struct words *words)
{
    if (!words)
        return;
    tokenizer_close(words->tokenizer);
    buf_release(&words->scratch);
    free(words);
}

const char *words_unit(const struct words *words)
{
    return words->tokenizer ? "tokens" : "words";
}

/* Draws until a word comes that is one token at the start. */
static const char *first_word(struct words *words, struct rng *rng, struct err *err)
{
    enum { MOST = 1000 };
    for (int i = 0; i < MOST; i++) {
        struct word *word = &words->usable[rng_below(rng, words->count)];
        if (word->first == FIRST_UNKNOWN) {
            int64_t count = tokenizer_count(words->tokenizer, str_of(word->text), err);
            if (count < 0)
                return NULL;
            word->first = count - words->special == 1 ? FIRST_YES : FIRST_NO;
        }
        if (word->first == FIRST_YES)
            return word->text;
    }
    return words->usable[0].text; // none is: words_fit has the last word
}

int words_add(struct words *words, struct rng *rng, int64_t count, struct buf *out, struct err *err)
{
    if (count > WORDS_MOST)
        return err_set(err, ERR_RANGE, "%" PRId64 " %s are more than %d", count, words_unit(words), WORDS_MOST);
    for (int64_t i = 0; i < count && !out->failed; i++) {
        const char *word = i == 0 ? first_word(words, rng, err) : words->usable[rng_below(rng, words->count)].text;
        if (!word)
            return -1;
        if (out->len > 0)
            buf_add_char(out, ' ');
        buf_add_str(out, str_of(word));
    }
    return out->failed ? err_nomem(err) : 0;
}

/* Cuts so many words off the end, but none of the first kept bytes. */
static void cut_words(struct buf *out, int64_t count, size_t kept)
{
    for (; count > 0 && out->len > kept; count--) {
        const char *blank = memrchr(out->ptr + kept, ' ', out->len - kept);
        out->len = blank ? (size_t)(blank - out->ptr) : kept;
    }
}

int words_fit(struct words *words, struct rng *rng, int64_t length, size_t kept, struct buf *out, struct err *err)
{
    int64_t count = length;
    for (int i = 0; words->tokenizer && i < TRIES; i++) {
        count = tokenizer_count(words->tokenizer, buf_str(out), err);
        if (count < 0)
            return -1;
        if (count == length)
            return 0;
        if (count > length)
            cut_words(out, count - length, kept);
        else if (words_add(words, rng, length - count, out, err) < 0)
            return -1;
    }
    return count == length ? 0 : err_set(err, ERR_RANGE, "%" PRId64 " tokens are wanted, and the server counts %" PRId64, length, count);
}
