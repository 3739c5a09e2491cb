#pragma once
#include <string>

#include "config/alerting.hpp"
#include "daemon/notify/notifier.hpp"

namespace qw {

/// From the configuration to what the notifier runs with. `instance`: the watchdog's label. Errors: config,
/// naming the key ("alertmanagers[1].tls: ca_file: ...").
Result<notify::Options> notify_options(const config::AlertingOptions& alerting, const std::string& instance);

/// The name of this machine, for the watchdog's label.
std::string host_name();

}  // namespace qw
