/* SPDX-License-Identifier: Apache-2.0 */
/* What is put into a tree comes out in one order and one form, whatever it was made from. */
#define _GNU_SOURCE
#include "image_archive.h"
#include "image_index.h"
#include "image_layout.h"
#include "image_source.h"

#include "base/memory.h"
#include "base/test.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "sys/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/dusk-image-tree-XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return chdir("/") < 0 ? -1 : file_remove_tree(folder, NULL);
}

static int append_piece(void *userdata, const void *data, size_t length, struct error *err)
{
    (void)err;
    buffer_append(userdata, data, length);
    return 0;
}

static void write_tree(struct image_tree *tree, struct buffer *bytes)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    if (image_tree_write(tree, append_piece, bytes, &err) < 0)
        fail_msg("%s", error_text(&err));
}

/* A line for each entry, as the reader of images has them; all of it must be well formed. */
static void describe_bytes(struct slice bytes, struct buffer *text)
{
    struct image_entry before = IMAGE_ENTRY_INIT, entry = IMAGE_ENTRY_INIT;
    size_t length;
    int r;

    while ((r = image_entry_read(bytes, &entry, &length, NULL)) == 0) {
        const char *content = bytes.data + length;

        assert_int_equal(image_entry_check_order(before.path ? &before : NULL, &entry, NULL), 0);
        buffer_appendf(text, "%c %s %o", "fdls"[entry.kind], entry.path, entry.mode);
        if (entry.target)
            buffer_appendf(text, " -> %s", entry.target);
        if (entry.kind == IMAGE_ENTRY_FILE)
            buffer_appendf(text, " '%.*s'", (int)entry.size, content);
        buffer_append_character(text, '\n');
        length += entry.size + image_entry_padding(&entry);
        bytes = (struct slice){bytes.data + length, bytes.length - length};
        image_entry_deinit(&before);
        before = entry;
        entry = IMAGE_ENTRY_INIT;
    }
    assert_int_equal(r, 1);
    image_entry_deinit(&before);
}

static void assert_tree(struct image_tree *tree, const char *expected)
{
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT, again = BUFFER_INIT, text = BUFFER_INIT;

    write_tree(tree, &bytes);
    write_tree(tree, &again);
    assert_int_equal(bytes.length, again.length);
    assert_memory_equal(bytes.data, again.data, bytes.length);
    describe_bytes((struct slice){bytes.data, bytes.length}, &text);
    assert_string_equal(buffer_text(&text), expected);
}

/* A file in the folder, with the text as its content. */
static void add_file(struct image_tree *tree, const char *path, const char *text)
{
    _cleanup_buffer_ struct buffer name = BUFFER_INIT;
    static unsigned int count;
    struct image_origin origin = {.fd = -1};

    buffer_appendf(&name, "%s/content%u", folder, count++);
    assert_int_equal(file_replace(name.data, text, strlen(text), 0600, false, NULL), 0);
    origin.path = name.data;
    assert_int_equal(image_tree_add_file(tree, path, 0644, 1000, strlen(text), &origin, NULL, NULL),
                     0);
}

static void a_tree_has_one_order(void **state)
{
    _cleanup_(image_tree_free_p) struct image_tree *tree = image_tree_new();

    (void)state;
    add_file(tree, "usr/lib/z", "z");
    add_file(tree, "./usr//lib/a", "a");
    add_file(tree, "usr.d", "");
    assert_int_equal(image_tree_add_folder(tree, "usr/", 02777, 5, NULL), 0);
    assert_int_equal(image_tree_add_folder(tree, ".", 0700, 5, NULL), 0);
    assert_int_equal(image_tree_add_link(tree, "lib", "usr/lib", -5, NULL), 0);
    assert_tree(tree, "l lib 777 -> usr/lib\n"
                      "d usr 755\n"
                      "d usr/lib 755\n"
                      "f usr/lib/a 644 'a'\n"
                      "f usr/lib/z 644 'z'\n"
                      "f usr.d 644 ''\n");
}

static void links_are_followed_within_the_tree(void **state)
{
    _cleanup_(image_tree_free_p) struct image_tree *tree = image_tree_new();
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    image_tree_add_link(tree, "lib", "/usr/lib", 0, NULL);
    image_tree_add_link(tree, "up", "../../../etc", 0, NULL);
    image_tree_add_link(tree, "round", "round", 0, NULL);
    add_file(tree, "lib/x", "x");
    add_file(tree, "up/y", "y");
    add_file(tree, "../../z", "z");
    assert_tree(tree, "d etc 755\n"
                      "f etc/y 644 'y'\n"
                      "l lib 777 -> /usr/lib\n"
                      "l round 777 -> round\n"
                      "l up 777 -> ../../../etc\n"
                      "d usr 755\n"
                      "d usr/lib 755\n"
                      "f usr/lib/x 644 'x'\n"
                      "f z 644 'z'\n");
    assert_int_equal(image_tree_add_folder(tree, "..", 0755, 0, &err), -EINVAL);
    assert_int_equal(image_tree_add_link(tree, "x", "", 0, NULL), -EINVAL);
    assert_int_equal(image_tree_add_link(tree, "/", "x", 0, NULL), -EINVAL);
}

static void what_is_in_the_way_is_replaced(void **state)
{
    _cleanup_(image_tree_free_p) struct image_tree *tree = image_tree_new();

    (void)state;
    add_file(tree, "a", "file");
    add_file(tree, "a/b", "below");
    add_file(tree, "c/d", "gone");
    add_file(tree, "c", "file");
    add_file(tree, "e/f", "kept");
    image_tree_add_folder(tree, "e", 0700, 0, NULL);
    assert_tree(tree, "d a 755\nf a/b 644 'below'\nf c 644 'file'\nd e 700\nf e/f 644 'kept'\n");
    image_tree_remove(tree, "a");
    image_tree_remove(tree, "nothing/there");
    image_tree_remove_content(tree, "e");
    assert_tree(tree, "f c 644 'file'\nd e 700\n");
}

static void a_file_of_several_names_is_written_once(void **state)
{
    _cleanup_(image_tree_free_p) struct image_tree *tree = image_tree_new();
    struct image_file *file;

    (void)state;
    add_file(tree, "z", "text");
    file = image_tree_find_file(tree, "z");
    assert_int_equal(image_tree_add_name(tree, "bin/a", file, NULL), 0);
    assert_int_equal(image_tree_add_name(tree, "m", file, NULL), 0);
    assert_tree(tree, "d bin 755\nf bin/a 644 'text'\ns m 0 -> bin/a\ns z 0 -> bin/a\n");
    image_tree_remove(tree, "bin");
    assert_tree(tree, "f m 644 'text'\ns z 0 -> m\n");
    image_tree_add_name(tree, "m", file, NULL);
    add_file(tree, "z", "other");
    assert_tree(tree, "f m 644 'text'\nf z 644 'other'\n");
}

static void names_have_bounds(void **state)
{
    _cleanup_(image_tree_free_p) struct image_tree *tree = image_tree_new();
    struct image_origin origin = {.fd = -1};
    char *long_path = memory_allocate(100001);

    (void)state;
    memset(long_path, 'x', 256);
    assert_int_equal(image_tree_add_folder(tree, long_path, 0755, 0, NULL), -EINVAL);
    memcpy(long_path + 256, "/y", 3);
    assert_int_equal(image_tree_add_folder(tree, long_path, 0755, 0, NULL), -EINVAL);
    for (size_t i = 0; i < 100000; i += 2)
        memcpy(long_path + i, "d/", 2);
    long_path[100000] = '\0';
    assert_int_equal(image_tree_add_folder(tree, long_path, 0755, 0, NULL), -EINVAL);
    long_path[2 * (IMAGE_TREE_DEPTH_MAX + 1)] = '\0';
    assert_int_equal(image_tree_add_folder(tree, long_path, 0755, 0, NULL), -EINVAL);
    assert_int_equal(
        image_tree_add_file(tree, "a", 0644, 0, IMAGE_TREE_SIZE_MAX + 1, &origin, NULL, NULL),
        -EFBIG);
    free(long_path);
}

static void a_file_that_shrinks_is_noticed(void **state)
{
    _cleanup_(image_tree_free_p) struct image_tree *tree = image_tree_new();
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;
    struct image_origin origin = {.path = "shrinks", .fd = -1};

    (void)state;
    assert_int_equal(file_replace("shrinks", "1234", 4, 0600, false, NULL), 0);
    assert_int_equal(image_tree_add_file(tree, "a", 0644, 0, 5, &origin, NULL, NULL), 0);
    assert_int_equal(image_tree_write(tree, append_piece, &bytes, NULL), -ESTALE);
}

/* ---- sources ---- */

static void run(const char *command)
{
    if (system(command) != 0)
        fail_msg("cannot run: %s", command);
}

static int source_text(const char *path, struct buffer *text, struct error *err)
{
    _cleanup_image_source_ struct image_source source = IMAGE_SOURCE_INIT;
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;
    int r = image_source_open(path, &source, err);

    if (r == 0)
        r = image_source_write(&source, append_piece, &bytes, err);
    if (r == 0 && source.kind == IMAGE_TREE)
        describe_bytes((struct slice){bytes.data, bytes.length}, text);
    else if (r == 0)
        buffer_appendf(text, "%s %zu\n", image_kind_name(source.kind), bytes.length);
    return r;
}

static void assert_source(const char *path, const char *expected)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;

    if (source_text(path, &text, &err) < 0)
        fail_msg("%s: %s", path, error_text(&err));
    assert_string_equal(buffer_text(&text), expected);
}

static void assert_no_source(const char *path, const char *expected)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;

    assert_true(source_text(path, &text, &err) < 0);
    if (!strstr(error_text(&err), expected))
        fail_msg("%s: %s", path, error_text(&err));
}

static void folders_and_archives_are_the_same_image(void **state)
{
    static const char expected[] = "d bin 755\n"
                                   "f bin/sh 755 'sh'\n"
                                   "l bin/zsh 777 -> sh\n"
                                   "f su 755 'su'\n"
                                   "s su2 0 -> su\n";

    (void)state;
    run("mkdir -p i/bin && printf sh >i/bin/sh && chmod 755 i/bin/sh && ln -s sh i/bin/zsh &&"
        " printf su >i/su && chmod 6777 i/su && ln i/su i/su2 && mkfifo i/fifo");
    assert_source("i", expected);
    assert_source("i/", expected);
    run("tar -C i -cf plain.tar . && tar -C i -cf bare.tar bin fifo su su2 &&"
        " gzip -c plain.tar >gz.tar");
    assert_source("plain.tar", expected);
    assert_source("bare.tar", expected);
    assert_source("gz.tar", expected);
}

/* Whatever the locale says of them. */
static void names_are_bytes(void **state)
{
    static const char expected[] = "f h\xc3\xa4 644 'a'\n"
                                   "l l 777 -> h\xc3\xa4\n"
                                   "s x\xc3\xa4 0 -> h\xc3\xa4\n";

    (void)state;
    run("mkdir n && cd n && printf a >h\303\244 && chmod 644 h\303\244 &&"
        " ln -s h\303\244 l && ln h\303\244 x\303\244");
    assert_source("n", expected);
    run("tar -C n --format=pax -cf pax.tar . && tar -C n --format=gnu -cf gnu.tar .");
    assert_source("pax.tar", expected);
    assert_source("gnu.tar", expected);
}

static void what_is_no_image_is_refused(void **state)
{
    (void)state;
    run("echo hello >text && : >empty && mkfifo pipe");
    assert_no_source("text", "'text' is no image");
    assert_no_source("empty", "'empty' is no image");
    assert_no_source("pipe", "neither a file nor a folder");
    assert_no_source("missing", "cannot open 'missing'");
    run("head -c 9000 /dev/urandom >large && tar -cf large.tar large && head -c 2000 large.tar "
        ">cut.tar");
    assert_no_source("cut.tar", "'cut.tar' is no image");
}

static void file_systems_are_known_by_their_marks(void **state)
{
    (void)state;
    run("printf hsqs >squash && truncate -s 4096 squash");
    run("head -c 1080 /dev/zero >ext && printf '\\123\\357' >>ext && truncate -s 8192 ext");
    run("head -c 1024 /dev/zero >ero && printf '\\342\\341\\365\\340' >>ero");
    assert_source("squash", "squashfs 4096\n");
    assert_source("ext", "ext4 8192\n");
    assert_source("ero", "erofs 1028\n");
}

/* ---- layouts ---- */

static void add_blob(const struct buffer *bytes, char ret_digest[HASH_TEXT_SIZE])
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;

    hash_bytes(bytes->data, bytes->length, ret_digest);
    buffer_appendf(&path, "layout/blobs/sha256/%s", ret_digest);
    assert_int_equal(file_replace(path.data, bytes->data, bytes->length, 0644, false, NULL), 0);
}

/* A layer is what a folder has. */
static void add_layer(const char *source, struct buffer *layers)
{
    _cleanup_(image_tree_free_p) struct image_tree *tree = image_tree_new();
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;
    struct image_counts counts = {0};
    char digest[HASH_TEXT_SIZE];

    assert_int_equal(image_folder_read(source, tree, &counts, NULL), 0);
    write_tree(tree, &bytes);
    add_blob(&bytes, digest);
    buffer_appendf(layers, "%s{\"digest\":\"sha256:%s\"}", layers->length > 0 ? "," : "", digest);
}

static void write_index(const char *format, const char *digest)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct utsname computer;

    uname(&computer);
    buffer_appendf(&text, format, digest, image_index_architecture(computer.machine));
    assert_int_equal(file_replace("layout/index.json", text.data, text.length, 0644, false, NULL),
                     0);
}

static void make_layout(void)
{
    _cleanup_buffer_ struct buffer layers = BUFFER_INIT, manifest = BUFFER_INIT;
    char digest[HASH_TEXT_SIZE];

    run("mkdir -p layout/blobs/sha256 one/etc one/var two/etc two/var &&"
        " echo '{\"imageLayoutVersion\":\"1.0.0\"}' >layout/oci-layout &&"
        " printf a >one/etc/a && printf b >one/etc/b && printf v >one/var/v &&"
        " : >two/etc/.wh.a && printf c >two/etc/c && : >two/var/.wh..wh..opq && printf n "
        ">two/var/n");
    add_layer("one", &layers);
    add_layer("two", &layers);
    buffer_appendf(&manifest, "{\"schemaVersion\":2,\"layers\":[%s]}", layers.data);
    add_blob(&manifest, digest);
    write_index("{\"manifests\":[{\"digest\":\"sha256:%s\",\"platform\":{\"architecture\":\"%s\"}},"
                "{\"digest\":\"sha256:0\",\"platform\":{\"architecture\":\"unknown\"}}]}",
                digest);
}

static void layers_lie_upon_one_another(void **state)
{
    static const char expected[] = "d etc 755\n"
                                   "f etc/b 644 'b'\n"
                                   "f etc/c 644 'c'\n"
                                   "d var 755\n"
                                   "f var/n 644 'n'\n";

    (void)state;
    make_layout();
    assert_source("layout", expected);
    run("tar -C layout -cf layout.tar .");
    assert_source("layout.tar", expected);
}

static void damaged_layouts_are_refused(void **state)
{
    (void)state;
    make_layout();
    run("for i in layout/blobs/sha256/*; do printf x >>$i; done");
    assert_no_source("layout", "is damaged");
    write_index("{\"manifests\":[{\"digest\":\"sha256:%.0s../../../etc/passwd%s\"}]}", "");
    assert_no_source("layout", "not named by its SHA-256");
    write_index("{\"manifests\":[{\"digest\":\"sha256:%s\"}]}",
                "1111111111111111111111111111111111111111111111111111111111111111");
    assert_no_source("layout", "is missing");
    write_index("{\"manifests\":[]}%.0s%.0s", "");
    assert_no_source("layout", "none for this computer");
    write_index("{}%.0s%.0s", "");
    assert_no_source("layout", "neither manifests nor layers");
    write_index("[%.0s%.0s", "");
    assert_no_source("layout", "not JSON");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tree_has_one_order),
        TEST(links_are_followed_within_the_tree),
        TEST(what_is_in_the_way_is_replaced),
        TEST(a_file_of_several_names_is_written_once),
        TEST(names_have_bounds),
        TEST(a_file_that_shrinks_is_noticed),
        TEST(folders_and_archives_are_the_same_image),
        TEST(names_are_bytes),
        TEST(what_is_no_image_is_refused),
        TEST(file_systems_are_known_by_their_marks),
        TEST(layers_lie_upon_one_another),
        TEST(damaged_layouts_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
