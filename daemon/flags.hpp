#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/log.hpp"
#include "daemon/net/address.hpp"

namespace qw {

enum class Command {
  run,
  check,
  once,
  check_rules,
  test_rules,
  explain,
  metrics,
  probes,
  reference,
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
  std::string target;  ///< `once TARGET`: "name" or "system/name"; empty: all. `explain ALERT`: its name
  std::vector<std::string> files;  ///< of check-rules and test-rules; never empty there
  bool lint_fatal = false;         ///< warnings of check-rules are an error
  std::string promql_version;      ///< of test-rules: "2", "3" or empty
  std::string storage_path;        ///< empty: $STATE_DIRECTORY, or nowhere
  bool json = false;
};

/// `args` without the program's name. Errors: ErrorKind::config, with the nearest known word.
Result<Flags> parse_flags(std::span<const std::string_view> args);

std::string help_text();

}  // namespace qw
