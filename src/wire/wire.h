/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What agents and the server say to each other, as C structs and as JSON: the one place for it.
 *
 * A text frame is a JSON array of messages, each an object with one member whose name is its kind:
 * [{"report": {…}}, {"want": {…}}]. Bytes travel in binary frames as pieces of streams: one side
 * asks with `want` under a number of its own, the other sends pieces with that number and then
 * `end`. doc/specification/agent-protocol.md is the page for it. Whatever is decoded here was
 * checked: kinds, types, ranges, lengths, names; nothing else of it is to be believed.
 */
#pragma once

#include "attributes.h"
#include "core/words.h"
#include "image.h"

#include "base/buffer.h"
#include "base/error.h"

enum {
    WIRE_PROTOCOL = 1,
    WIRE_ATTEMPTS_MAX = 4096, /* in one report */
    WIRE_LIST_MAX = 65536,    /* arguments, inputs, outputs… of one attempt */
    WIRE_PIECE_SIZE_MAX = 256 * 1024,
    WIRE_PIECE_HEADER_SIZE = 8,
    WIRE_FACTS_SIZE_MAX = 64 * 1024,
    WIRE_SOURCES_MAX = 64,
    WIRE_SOURCE_TEXT_MAX = 1024
};

struct wire_strings {
    char **items; /* owned, and owns the texts */
    size_t count;
};

struct wire_file {
    char *name;   /* where it goes in the scratch folder; contained (sys/file.h checks again) */
    char *sha256; /* of inputs: "" of a folder; NULL of outputs */
    uint64_t size;
    uint32_t mode;
    bool saved; /* of a checkpoint: it takes the place of an input of that name */
};

enum wire_output_kind {
    WIRE_OUTPUT_FILE,
    WIRE_OUTPUT_FOLDER,
    WIRE_OUTPUT_STDOUT,
    WIRE_OUTPUT_STDERR
};

struct wire_output {
    enum wire_output_kind kind;
    char *name;
    uint64_t size;
    uint32_t mode;
};

/* The agent's first word. */
struct wire_hello {
    uint32_t protocol;
    char *version;
    uint64_t machine; /* the first 64 bits of the computer's fingerprint */
    struct resources capacity;
    char *facts;                  /* a JSON object, for people; the server stores it as it is */
    struct attributes attributes; /* all of the node */
};

/* The server's first word; a refusal is the closing of the link with a reason. */
struct wire_welcome {
    uint64_t session;
    uint64_t heartbeat_ms;
    uint64_t lease_ms;
    bool woken; /* the pool has woken it */
};

/* What an attempt left, said once it has ended. */
struct wire_result {
    int32_t exit_code;   /* -1: it has none */
    int32_t exit_signal; /* 0: none */
    uint64_t cpu_us;
    uint64_t wall_us;
    uint64_t memory_peak;
    char *detail; /* NULL, or a sentence for people: what could not be done, and why */
    struct wire_output *outputs;
    size_t output_count;
};

/* What a later attempt may begin from (doc/specification/saving.md). */
enum wire_checkpoint_kind { WIRE_CHECKPOINT_FILES };

struct wire_checkpoint {
    uint64_t number; /* 0: there is none */
    enum wire_checkpoint_kind kind;
    struct wire_output *files;
    size_t file_count;
};

struct wire_attempt {
    uint64_t epoch;
    uint32_t job, task, attempt;
    enum attempt_state state;
    enum outcome outcome;
    enum reason reason;
    struct wire_result result;         /* all zero unless the state is ATTEMPT_ENDED */
    struct wire_checkpoint checkpoint; /* that can be fetched; none if the state is that */
};

/* One of those who watch whether somebody uses the computer. */
struct wire_source {
    char *name;
    char *why_not; /* NULL: it works */
    bool was_used; /* it has seen a use, */
    uint64_t used_ms_ago;
};

/* Whose the computer is just now. */
struct wire_owner {
    enum owner_reason reason; /* OWNER_REASON_NONE: it is lent */
    bool has_end;             /* it ends by itself if nothing happens, */
    uint64_t end_ms;          /* so long after the report */
    struct wire_source *sources;
    size_t source_count;
};

struct wire_report {
    uint64_t session;
    uint64_t sent_ms;
    uint64_t highest_epoch;
    bool full;
    bool owner_present; /* start nothing */
    bool leaving;
    bool asleep;      /* it goes to sleep when this is answered */
    uint64_t lent_ms; /* before working hours begin, from this report on; 0: it knows of none */
    struct wire_owner owner;
    struct wire_attempt *attempts;
    size_t attempt_count;
    struct attributes changes; /* of the node's attributes, since hello or an earlier report */
};

/* How a program says that it has saved itself, and what it has then. */
struct wire_saving {
    bool exit_code_given;
    uint32_t exit_code;   /* if given: by this one */
    uint32_t exit_signal; /* or by dying of this one; 0: by none */
    bool to_leave;        /* what it leaves when it must go is a checkpoint in any case */
    bool files_given;
    struct wire_strings files; /* if given: these; else its outputs */
};

/* What a container has as its root; see image.h. */
struct wire_image {
    char *sha256; /* owned; NULL: none */
    enum image_kind kind;
    uint64_t size; /* bytes, as it travels */
};

/* Everything that an agent must know to run an attempt. */
struct wire_start {
    uint64_t session;
    uint64_t epoch;
    uint32_t job, task, attempt;
    struct resources request;
    bool gpus_given; /* else the server knows of none, and they are nobody's */
    uint64_t answers_ms;
    uint64_t lease_ms;
    char *user; /* of the pool, whose tasks share a user id with nobody else's */
    char
        *program; /* a name in the scratch folder, or with '/' or to be looked up: the node's own */
    bool program_is_input;         /* it is one of the inputs */
    struct wire_strings arguments; /* without the program's name */
    struct wire_strings environment;
    struct wire_file *inputs;
    size_t input_count;
    char *stdin_name;   /* NULL: /dev/null; else one of the inputs */
    bool wants_network; /* the node's; a task that runs bare has it anyway */
    bool keep_stdout;
    bool keep_stderr;
    bool join_stderr; /* into stdout's file */
    bool outputs_given;
    struct wire_strings outputs; /* if given: these; else what is new or changed at the top level */
    struct attributes attributes; /* of the job: those that the node's policy asks for */
    uint64_t checkpoint; /* the number of the one that it begins from, or that was used last; 0 */
    struct wire_saving saving;
    int32_t kill_signal; /* by which it is told to go; 0: SIGTERM */
    bool vacate_given;
    uint64_t vacate_ms;      /* if given: it has no longer for that */
    struct wire_image image; /* in which it runs */
};

struct wire_renew {
    uint64_t session;
    uint64_t epoch; /* 0: nothing is renewed, the report was only heard */
    uint64_t answers_ms;
    uint64_t lease_ms;
};

enum wire_want_kind { WIRE_WANT_CONTENT, WIRE_WANT_OUTPUT, WIRE_WANT_TAIL, WIRE_WANT_SAVED };

/* Asks for a stream. */
struct wire_want {
    uint64_t stream; /* the asker's own number */
    enum wire_want_kind kind;
    char *sha256;        /* CONTENT */
    uint64_t epoch;      /* OUTPUT, TAIL, SAVED */
    uint32_t output;     /* OUTPUT: its index in the result; SAVED: in the checkpoint */
    uint64_t checkpoint; /* SAVED: which */
    bool tail_of_stderr; /* TAIL */
    bool follow;         /* TAIL: until the attempt has ended */
    uint64_t offset;     /* TAIL */
};

/* The stream is complete (REASON_NONE), or broke off. Also from the asker: no more of it. */
struct wire_end {
    uint64_t stream;
    enum reason failure;
    char *detail; /* NULL or a sentence for people */
};

/* The checkpoint is recorded (REASON_NONE), or cannot be. */
struct wire_saved {
    uint64_t epoch;
    uint64_t checkpoint;
    enum reason failure;
};

enum wire_kind {
    WIRE_HELLO,
    WIRE_WELCOME,
    WIRE_REPORT,
    WIRE_START,
    WIRE_STOP,   /* epoch */
    WIRE_FORGET, /* epoch */
    WIRE_RENEW,
    WIRE_WANT,
    WIRE_END,    /* from the sender of a stream */
    WIRE_CANCEL, /* from its asker */
    WIRE_SAVED,
    WIRE_WAKE, /* another computer of the agent's segment, by a magic packet */
    WIRE_KIND_COUNT
};

struct wire_message {
    enum wire_kind kind;
    union {
        struct wire_hello hello;
        struct wire_welcome welcome;
        struct wire_report report;
        struct wire_start start;
        uint64_t epoch; /* WIRE_STOP, WIRE_FORGET */
        struct wire_renew renew;
        struct wire_want want;
        struct wire_end end;
        struct wire_saved saved;
        uint64_t stream; /* WIRE_CANCEL */
        char *card;      /* WIRE_WAKE; owned: as sys/interface.h has it */
    };
};

/* Frees what the message owns. */
void wire_message_deinit(struct wire_message *message);
void wire_owner_deinit(struct wire_owner *owner);
void wire_start_deinit(struct wire_start *start);
void wire_result_deinit(struct wire_result *result);
void wire_checkpoint_deinit(struct wire_checkpoint *checkpoint);
void wire_strings_deinit(struct wire_strings *strings);

/*
 * Messages that go out together: append, then send `frame` with the bracket that wire_batch_close()
 * adds, then clear. Appending copies.
 */
struct wire_batch {
    struct buffer frame;
};

void wire_batch_append(struct wire_batch *batch, const struct wire_message *message);
/* Completes the frame; false if nothing was appended. */
bool wire_batch_close(struct wire_batch *batch);
void wire_batch_clear(struct wire_batch *batch);
void wire_batch_deinit(struct wire_batch *batch);

/*
 * Takes a text frame apart and calls back for each message in order. The callback may take texts
 * out of the message by setting them to NULL; what it leaves is freed. If it returns a negative
 * value, that ends the walk. Returns 0, that value, or -EPROTO with `err` saying what was wrong
 * where.
 */
int wire_decode(struct slice frame, int (*callback)(void *userdata, struct wire_message *message),
                void *userdata, struct error *err);

/* The header of a piece in a binary frame: the stream's number, big-endian. */
void wire_piece_begin(struct buffer *frame, uint64_t stream);
/* Returns false if the frame is too short to be a piece. */
bool wire_piece_read(const void *data, size_t length, uint64_t *ret_stream,
                     struct slice *ret_bytes);
