/* main: the daemon's commands. */
#include "command.h"
#include "local53/version.h"

static const struct command *const commands[] = {
    &command_run,      &command_check, &command_explain, &command_diff,   &command_ctl,
    &command_services, &command_probe, &command_node,    &command_import, &command_doctor};

static const struct program program = {
    .name = "local53",
    .head = "local53 - your private zones, on the node\n\nUsage: local53 COMMAND [OPTIONS]\n",
    .foot =
        "The configuration is -c FILE, else $LOCAL53_CONFIG, else /etc/local53/local53.yaml.\n\n"
        "Example:\n  local53 check -c conf/local53.yaml\n\n"
        "Exit codes: 0 fine, 1 a check found something, 2 usage or configuration,\n"
        "            3 environment (port, privilege, socket)\n",
    .version = LOCAL53_VERSION " (" LOCAL53_COMMIT ")",
    .commands = commands,
    .count = sizeof(commands) / sizeof(commands[0]),
    .unwritten = EXIT_ENVIRONMENT,
};

int main(int argc, char **argv)
{
    return program_main(&program, argc, argv);
}
