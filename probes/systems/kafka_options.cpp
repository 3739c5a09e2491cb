#include "probes/systems/kafka_options.hpp"

#include <fmt/format.h>

#include <set>

#include "probes/members.hpp"

namespace qw::probes {
namespace {

using config::Fields;

constexpr std::uint16_t kBrokerPort = 9092;
constexpr std::uint16_t kControllerPort = 9093;
constexpr std::uint64_t kMostSeries = 10'000'000;
constexpr std::uint64_t kMostWorst = 10'000;

void filter_fields(Fields& fields, std::string_view key, std::string_view doc, KafkaOptions::Names& names) {
  fields.object(key, doc, [&names](Fields& inner) {
    inner.optional("include", &names.include,
                   "Patterns (RE2) of which one must match the whole name. Empty: every name.");
    inner.optional("exclude", &names.exclude, "Patterns (RE2) of which none may match the whole name.");
    const auto include = NameFilter::make(names.include, {});
    inner.check("include", include.has_value(), include ? "" : include.error().message());
    const auto exclude = NameFilter::make({}, names.exclude);
    inner.check("exclude", exclude.has_value(), exclude ? "" : exclude.error().message());
  });
}

void sasl_fields(Fields& fields, KafkaOptions::Sasl& sasl) {
  sasl.enabled = fields.object("sasl", "Log in to brokers and controllers.", [&sasl](Fields& inner) {
    inner.optional(
        "mechanism",
        config::Choice{&sasl.mechanism, {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"}},
        "How to log in; it must be there. PLAIN and OAUTHBEARER show the secret to whoever is in between, "
        "unless "
        "TLS is on.");
    inner.optional("username", &sasl.username, "The user, for PLAIN and SCRAM.");
    inner.optional("password_file", &sasl.password, "The password, for PLAIN and SCRAM.");
    inner.optional(
        "token_file", &sasl.token_file,
        "File with the bearer token of OAUTHBEARER. It is read at each log-in, so whoever renews it need "
        "not tell us.");
    const bool bearer = sasl.mechanism == "OAUTHBEARER";
    const bool named = !sasl.mechanism.empty();
    inner.check("token_file", !bearer || !sasl.token_file.value.empty(), "is needed for OAUTHBEARER");
    inner.check("username", !named || bearer || !sasl.username.empty(), "is needed for this mechanism");
    inner.check("password_file", !named || bearer || !sasl.password.source.empty(),
                "is needed for this mechanism");
  });
  fields.check("sasl", !sasl.enabled || !sasl.mechanism.empty(), "needs 'mechanism'");
}

void canary_fields(Fields& fields, KafkaOptions& options) {
  auto& canary = options.canary;
  canary.enabled = fields.object(
      "canary",
      "Produce numbered messages to a topic of their own and consume them again: end-to-end latency, and "
      "messages "
      "lost, duplicated and reordered. The topic must be there; the user needs Write and Read on it.",
      [&canary](Fields& inner) {
        inner.optional("topic", &canary.topic, "The topic; nobody else may write to it.");
        inner.optional("interval", &canary.interval, "Time between two messages, at least 10ms.");
        inner.optional("lost_after", &canary.lost_after,
                       "An acknowledged message that has not come back by then is lost.");
        inner.check("topic", !canary.topic.empty(), "must not be empty");
        inner.check("interval", canary.interval >= std::chrono::milliseconds(10), "must be at least 10ms");
        inner.check("lost_after", canary.lost_after >= canary.interval,
                    "must not be shorter than 'interval'");
      });
  fields.check("canary", !canary.enabled || options.sasl.mechanism != "OAUTHBEARER",
               "can not log in by OAUTHBEARER");
  fields.check("canary", !canary.enabled || options.tls.server_name.empty(),
               "can not expect another server_name than the host of each broker");
}

void declare(Fields& fields, KafkaOptions& options) {
  options.finds_bootstrap = fields.addresses(
      "bootstrap", &options.bootstrap, address_rule(kBrokerPort),
      "Some brokers, host[:port], of which one must be alive at the start; the port defaults to 9092. The "
      "others are learnt, and each is asked at the address that it advertises.");
  fields.addresses(
      "controllers", &options.controllers, address_rule(kControllerPort, false),
      "Address of every controller of the KRaft quorum, host[:port] of its controller listener; the port "
      "defaults to 9093. Empty: the quorum is not watched.");
  fields.optional("quorum_fetch_timeout", &options.quorum_fetch_timeout,
                  "controller.quorum.fetch.timeout.ms of the controllers.");
  filter_fields(fields, "groups", "Which consumer groups are asked for.", options.groups);
  filter_fields(fields, "topics", "Which topics count for consumers.", options.topics);
  config::tls_fields(fields, options.tls);
  sasl_fields(fields, options.sasl);
  canary_fields(fields, options);
  fields.optional("consumer_window", &options.consumer_window, "Time over which a consumer is judged.");
  fields.optional("worst_partitions", &options.worst_partitions,
                  "Single partitions that are shown of each group and topic, besides those in trouble.");
  fields.optional("series_limit", &options.series_limit,
                  "Series of groups and partitions together; what is beyond is left out, and counted.");
  fields.optional("compatibility", config::Choice{&options.compatibility, {"none", "kafka_lag_exporter"}},
                  "Names that other dashboards know the series by, besides ours.");
}

void check(Fields& fields, KafkaOptions& options) {
  fields.check("bootstrap", options.finds_bootstrap || !options.bootstrap.empty(),
               "must name at least one broker");
  std::set<net::HostPort> brokers;
  std::set<net::HostPort> controllers;
  options.bootstrap_at = read_members(fields, {"bootstrap", kBrokerPort}, options.bootstrap, brokers);
  options.controllers_at =
      read_members(fields, {"controllers", kControllerPort}, options.controllers, controllers);
  fields.check("quorum_fetch_timeout", options.quorum_fetch_timeout > Nanoseconds{}, "must be longer than 0");
  fields.check("consumer_window", options.consumer_window > Nanoseconds{}, "must be longer than 0");
  fields.check("worst_partitions", options.worst_partitions <= kMostWorst,
               fmt::format("must be at most {}", kMostWorst));
  fields.check("series_limit", options.series_limit <= kMostSeries,
               fmt::format("must be at most {}", kMostSeries));
}

}  // namespace

void kafka_fields(Fields& fields, KafkaOptions& options) {
  declare(fields, options);
  check(fields, options);
}

NameFilter kafka_filter(const KafkaOptions::Names& names) {
  return NameFilter::make(names.include, names.exclude).value_or(NameFilter());
}

Traits kafka_traits(const KafkaOptions& options) {
  Traits traits;
  traits.fencing = Fencing::fenced;
  traits.failure_detection = options.quorum_fetch_timeout;
  // A controller that can not fetch for so long stands for election.
  if (!options.controllers_at.empty()) traits.election_timeout = options.quorum_fetch_timeout;
  // A leader that is cut off resigns one and a half time-outs after the cut (facts/kafka.md 6).
  traits.settling = options.quorum_fetch_timeout * 3 / 2;
  traits.consumers.worst_partitions = static_cast<std::uint32_t>(options.worst_partitions);
  traits.consumers.series_limit = static_cast<std::uint32_t>(options.series_limit);
  traits.consumers.window = options.consumer_window;
  traits.consumers.kafka_lag_exporter_names = options.compatibility == "kafka_lag_exporter";
  return traits;
}

KafkaCanaryOptions kafka_canary(const KafkaOptions& options) {
  KafkaCanaryOptions canary;
  for (const auto& address : options.bootstrap_at)
    canary.brokers += (canary.brokers.empty() ? "" : ",") + address.print();
  canary.topic = options.canary.topic;
  canary.interval = options.canary.interval;
  canary.lost_after = options.canary.lost_after;
  canary.security = {.tls = options.tls.enabled,
                     .ca_file = options.tls.ca_file.value,
                     .cert_file = options.tls.cert_file.value,
                     .key_file = options.tls.key_file.value,
                     .insecure_skip_verify = options.tls.insecure_skip_verify,
                     .mechanism = options.sasl.mechanism,
                     .username = options.sasl.username,
                     .password = options.sasl.password.value};
  return canary;
}

}  // namespace qw::probes
