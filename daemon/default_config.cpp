#include "daemon/default_config.hpp"

#include "daemon/plan.hpp"

namespace qw {
namespace {

/// STAMP's own port needs a right that nobody gave us.
constexpr std::string_view kText = R"(reflector: {listen: ["127.0.0.1:10862"]}
targets:
  - system: host
    name: localhost
  - system: nodes
    name: loopback
    members: [127.0.0.1]
    port: 10862
)";

}  // namespace

std::string_view default_config_text() {
  return kText;
}

config::Config default_config() {
  return config::load_text(default_config_text(), "", config_kinds()).config;
}

}  // namespace qw
