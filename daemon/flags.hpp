#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/time.hpp"
#include "daemon/net/address.hpp"

namespace qw {

enum class Command {
  run,
  check,
  once,
  check_rules,
  test_rules,
  explain,
  report,
  discover,
  metrics,
  probes,
  reference,
  manual,
  completion,
  version,
  help
};

/// What the user typed, spelled as the Prometheus family spells it.
struct Flags {
  Command command = Command::help;
  std::string config_file;            ///< empty: none was given
  std::vector<net::HostPort> listen;  ///< never empty
  std::string web_config_file;
  log::Options log;
  std::string target;  ///< `once TARGET`: "name" or "system/name"; empty: all. `explain ALERT`: its name;
                       ///< `report TARGET` as once
  std::vector<std::string> files;             ///< of check-rules and test-rules; never empty there
  bool lint_fatal = false;                    ///< warnings of check-rules are an error
  std::string promql_version;                 ///< of test-rules: "2", "3" or empty
  Nanoseconds since = std::chrono::hours(1);  ///< how far back `report` goes
  std::string storage_path;                   ///< empty: $STATE_DIRECTORY, or nowhere
  std::string root = "/";                     ///< of the host that `discover` looks at
  bool json = false;
};

/// `args` without the program's name. Errors: ErrorKind::config, with the nearest known word.
Result<Flags> parse_flags(std::span<const std::string_view> args);

std::string help_text();

/// The same as the help shows, for the manual page and for shells.
struct CommandHelp {
  std::string_view word;
  std::string_view argument;  ///< " [FILE]", " FILE..." and so on; empty: it takes none
  std::string_view doc;
};
struct FlagHelp {
  std::string_view name;   ///< without "--"
  std::string_view value;  ///< what it takes: FILE, DIR, ...
  std::string_view doc;
  bool repeatable = false;
  std::vector<std::string_view> of;       ///< the commands that it belongs to
  std::vector<std::string_view> choices;  ///< all values there are; empty: too many
};
std::vector<CommandHelp> command_helps();
std::vector<FlagHelp> flag_helps();

}  // namespace qw
