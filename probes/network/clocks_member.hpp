#pragma once
#include <memory>
#include <span>
#include <string>

#include "probes/network/clocks_address.hpp"
#include "probes/probe.hpp"

namespace qw::probes {

/// One member of a `clocks` target, whatever it speaks. It lives as long as the target.
class ClockMember {
 public:
  virtual ~ClockMember() = default;
  /// Asks once; never two at a time.
  virtual Task<Facts> ask(SteadyTime deadline) = 0;

 protected:
  explicit ClockMember(std::string name) : name_(std::move(name)) {}
  const std::string& name() const { return name_; }
  Facts unanswered(Asked asked, Error error) const;

 private:
  std::string name_;
};

std::unique_ptr<ClockMember> make_ntp_member(const ProbeContext& context, ClockAddress address);
std::unique_ptr<ClockMember> make_chrony_member(const ProbeContext& context, ClockAddress address);
/// `kept`: for how long the server goes on showing a Date that it has once written.
std::unique_ptr<ClockMember> make_date_member(const ProbeContext& context, ClockAddress address,
                                              std::shared_ptr<net::TlsContext> tls, Nanoseconds kept);

/// The families that only `chrony` members report.
std::span<const MetricFamily* const> chrony_families();

}  // namespace qw::probes
