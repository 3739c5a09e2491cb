#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "daemon/async/task.hpp"
#include "daemon/model/facts.hpp"
#include "probes/network/retransmits_ledger.hpp"

namespace qw::probes {

/// Watches every TCP connection of this network namespace through sock_diag: what is open is looked at in
/// each round, and of what closes in between the kernel tells (SKNLGRP_INET*_TCP_DESTROY). No permission is
/// needed.
class Retransmits {
 public:
  /// `systems` says which configured system is at a port; it is looked at again for each socket.
  Retransmits(asio::any_io_executor executor, const Clock& clock, RetransmitsLedger::Limits limits,
              const RetransmitsLedger::PortSystems& systems);
  ~Retransmits();
  Retransmits(const Retransmits&) = delete;
  Retransmits& operator=(const Retransmits&) = delete;

  /// Looks at all open sockets. Errors name what the kernel refused; the next call tries everything again.
  Task<Result<void>> look(SteadyTime deadline);
  /// All counts, when one look has succeeded.
  void append_readings(std::vector<Reading>& out) const;

  static std::span<const MetricFamily* const> families();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace qw::probes
