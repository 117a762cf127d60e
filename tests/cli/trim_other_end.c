/* trim_other_end version|short|magic|forgetful|wrap|silent_wrap: plays the process that is asked to trim, of
 * another version or with timing that the real one shows too seldom. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct Control {
  char magic[8];
  uint32_t version, struct_bytes, trims_requested, trims_done;
};
volatile struct Control smallblock_control = {
    {'s', 'm', 'a', 'l', 'l', 'b', 'l', 'k'}, 1, sizeof(struct Control), 0, 0};

static void wait_for_request(void) {
  while (smallblock_control.trims_requested == smallblock_control.trims_done) usleep(1000);
}

int main(int argc, char** argv) {
  const char* mode = argc == 2 ? argv[1] : "";
  if (strcmp(mode, "version") == 0) smallblock_control.version = 9;
  if (strcmp(mode, "short") == 0) smallblock_control.struct_bytes = 16;
  if (strcmp(mode, "magic") == 0) smallblock_control.magic[7] = '?';
  if (strstr(mode, "wrap") != NULL) smallblock_control.trims_requested = smallblock_control.trims_done = UINT32_MAX;
  puts("ready");
  fflush(stdout);
  wait_for_request();
  if (strcmp(mode, "forgetful") == 0) {
    /* As a second command does that was held up and puts an older number back. */
    smallblock_control.trims_requested = smallblock_control.trims_done;
    wait_for_request();
  }
  if (strcmp(mode, "silent_wrap") != 0) smallblock_control.trims_done = smallblock_control.trims_requested;
  while (1) pause();
}
