#pragma once
#include <map>
#include <string>
#include <vector>

#include "config/fields.hpp"
#include "config/tls.hpp"
#include "daemon/base/pattern.hpp"

namespace qw::config {

/// Where something is asked over HTTP, and as whom; the same keys wherever there is a `url`.
struct HttpOptions {
  std::string url;
  Nanoseconds timeout = std::chrono::seconds(5);
  TlsOptions tls;
  std::string username;
  SecretFile password;
  SecretFile bearer_token;
};

/// One step of Prometheus' alert relabelling.
struct RelabelOptions {
  std::string action = "replace";
  std::vector<std::string> source_labels;
  std::string separator = ";";
  std::string regex = "(.*)";
  std::string target_label;
  std::string replacement = "$1";
};

/// The keys `alertmanagers` and `alerting` of the file.
struct AlertingOptions {
  std::vector<HttpOptions> alertmanagers;
  std::string mode = "primary";
  HttpOptions prometheus;  ///< of mode shadow
  std::map<std::string, std::string> external_labels;
  std::vector<RelabelOptions> relabel;
  Nanoseconds resend_interval = std::chrono::seconds(30);
  bool watchdog = true;
};

/// Declares both root keys.
void alerting_fields(Fields& fields, AlertingOptions& options);

}  // namespace qw::config
