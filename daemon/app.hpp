#pragma once
#include <memory>

#include "config/config.hpp"
#include "config/web.hpp"
#include "daemon/flags.hpp"
#include "daemon/rules/rule_file.hpp"

namespace qw {

/// The daemon: the composition root. It owns everything, in the order of construction, and ends in order.
class App {
 public:
  App(Flags flags, config::Config config, config::WebConfig web, std::vector<rules::RuleGroup> groups = {});
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  /// Serves until a signal or a bug ends it; the process' exit code.
  int run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw
