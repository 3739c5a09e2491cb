#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/notify/http_endpoint.hpp"

namespace qw::notify {

/// What a Prometheus says of its rules.
struct RuleHealth {
  /// How long ago it evaluated a rule group last, by its own clock; nothing: it never has, or has no rules.
  std::optional<Nanoseconds> last_evaluation;
  /// The shortest interval of its groups.
  Nanoseconds interval{};
};

/// Reads the reply of GET /api/v1/rules?type=alert. `their_now`: the reply's Date, so that no clock of ours
/// takes part. Errors: protocol.
Result<RuleHealth> read_rules_reply(std::string_view body, WallTime their_now);

/// `mode: shadow`: whether a Prometheus evaluates alert rules, so that we can keep quiet while it does and
/// speak once it does not.
class PrometheusWatch {
 public:
  /// `on_change(true)`: it evaluates.
  PrometheusWatch(net::Net& net, const Clock& clock, HttpEndpoint endpoint,
                  std::function<void(bool)> on_change);
  PrometheusWatch(const PrometheusWatch&) = delete;
  PrometheusWatch& operator=(const PrometheusWatch&) = delete;

  /// Asks every few seconds until it is cancelled.
  Task<void> run();
  bool evaluates() const { return evaluates_; }

  /// Pure: what one answer makes of the present verdict.
  class Verdict {
   public:
    /// Nothing: it did not answer in time. Returns whether it evaluates.
    bool observe(const Result<RuleHealth>& health);

   private:
    unsigned good_ = 0;  ///< answers in a row
    unsigned bad_ = 0;
    bool evaluates_ = false;
  };

 private:
  Task<Result<RuleHealth>> ask();

  const Clock& clock_;
  HttpEndpoint endpoint_;
  net::HttpClient client_;
  std::function<void(bool)> on_change_;
  Verdict verdict_;
  bool evaluates_ = false;
  std::string last_reason_;
};

}  // namespace qw::notify
