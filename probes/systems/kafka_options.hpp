#pragma once
#include <string>
#include <vector>

#include "config/fields.hpp"
#include "config/tls.hpp"
#include "daemon/base/name_filter.hpp"
#include "daemon/model/facts.hpp"
#include "daemon/net/address.hpp"
#include "probes/systems/kafka_canary.hpp"

namespace qw::probes {

/// The keys of a Kafka target.
struct KafkaOptions {
  struct Names {
    std::vector<std::string> include;
    std::vector<std::string> exclude;
  };
  struct Sasl {
    bool enabled = false;
    std::string mechanism;
    std::string username;
    config::SecretFile password;
    config::Path token_file;
  };
  struct Canary {
    bool enabled = false;
    std::string topic = KafkaCanaryOptions().topic;
    Nanoseconds interval = KafkaCanaryOptions().interval;
    Nanoseconds lost_after = KafkaCanaryOptions().lost_after;
  };
  std::vector<std::string> bootstrap;
  std::vector<std::string> controllers;
  Names groups;
  Names topics;
  config::TlsOptions tls;
  Sasl sasl;
  Canary canary;
  Nanoseconds quorum_fetch_timeout = std::chrono::seconds(2);
  Nanoseconds consumer_window = ConsumerDetail().window;
  std::uint64_t worst_partitions = ConsumerDetail().worst_partitions;
  std::uint64_t series_limit = ConsumerDetail().series_limit;
  std::string compatibility = "none";
  bool finds_bootstrap = false;                             ///< there may be none yet
  std::vector<net::HostPort> bootstrap_at, controllers_at;  ///< `bootstrap` and `controllers`, read
};

/// Declares the keys and checks what was read.
void kafka_fields(config::Fields& fields, KafkaOptions& options);

/// Of options that were checked.
NameFilter kafka_filter(const KafkaOptions::Names& names);
Traits kafka_traits(const KafkaOptions& options);
KafkaCanaryOptions kafka_canary(const KafkaOptions& options);

}  // namespace qw::probes
