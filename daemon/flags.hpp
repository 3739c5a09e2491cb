#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/log.hpp"
#include "daemon/net/address.hpp"

namespace qw {

enum class Command { run, check, once, metrics, probes, reference, version, help };

/// What the user typed, spelled as the Prometheus family spells it.
struct Flags {
  Command command = Command::help;
  std::string config_file;            ///< empty: none was given
  std::vector<net::HostPort> listen;  ///< never empty
  std::string web_config_file;
  log::Options log;
  std::string target;  ///< `once TARGET`: "name" or "system/name"; empty: all
  bool json = false;
};

/// `args` without the program's name. Errors: ErrorKind::config, with the nearest known word.
Result<Flags> parse_flags(std::span<const std::string_view> args);

std::string help_text();

}  // namespace qw
