#include "probes/signals/consumer_status.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace qw::signals {
namespace {

using std::chrono::seconds;
using enum ConsumerStatus;

/// Members are there, 100 messages wait, and it has been watched for long.
ConsumerEvidence waiting() {
  return {.members_known = true,
          .has_members = true,
          .lag = 100,
          .lag_age = seconds(30),
          .looks = 100,
          .usual_gap = seconds(1),
          .interval = seconds(5),
          .window = seconds(60)};
}

TEST(ConsumerStatus, EveryStatusHasItsEvidence) {
  struct Case {
    const char* what;
    void (*change)(ConsumerEvidence&);
    ConsumerStatus status;
  };
  const std::vector<Case> cases = {
      {"it reads on", [](auto&) {}, ok},
      {"nothing waits", [](auto& e) { e.lag = 0, e.frozen_looks = 9, e.frozen = seconds(600); }, ok},
      {"nobody there, nothing waits", [](auto& e) { e.lag = 0, e.has_members = false; }, ok},
      {"one look", [](auto& e) { e.frozen_looks = 1, e.frozen = seconds(5); }, ok},
      {"frozen", [](auto& e) { e.frozen_looks = 2, e.frozen = seconds(10); }, stalled},
      {"a commit is late",
       [](auto& e) { e.frozen_looks = 2, e.frozen = seconds(10), e.usual_gap = seconds(20); }, ok},
      {"nobody there", [](auto& e) { e.frozen_looks = 1, e.frozen = seconds(5), e.has_members = false; },
       stopped},
      {"nobody there, but it commits",
       [](auto& e) {
         e.frozen_looks = 2, e.frozen = seconds(10), e.has_members = false, e.commits_without_members = true;
       },
       ok},
      {"left its topic", [](auto& e) { e.frozen_looks = 2, e.frozen = seconds(10), e.assigned = false; },
       stopped},
      {"reads too little", [](auto& e) { e.growing_looks = 2; }, slow},
      {"never gets nearer", [](auto& e) { e.not_shrinking = true; }, slow},
      {"what is usual between commits", [](auto& e) { e.growing_looks = 2, e.lag_age = seconds(6); }, ok},
      {"waits for a transaction",
       [](auto& e) { e.open_transaction = true, e.frozen_looks = 9, e.frozen = seconds(90); }, blocked},
      {"a transaction, and nobody there",
       [](auto& e) { e.open_transaction = true, e.frozen_looks = 9, e.has_members = false; }, stopped},
      {"the mark of a transaction",
       [](auto& e) { e.perhaps_a_mark = true, e.frozen_looks = 9, e.frozen = seconds(90); }, ok},
      {"rebalancing", [](auto& e) { e.rebalancing = true; }, rebalancing},
      {"went back", [](auto& e) { e.rewound = true; }, rewound},
      {"lost", [](auto& e) { e.lost = true, e.rewound = true; }, lossy},
      {"beyond the end", [](auto& e) { e.beyond_end = true, e.lag = 0; }, truncated},
      {"made again", [](auto& e) { e.recreated = true, e.beyond_end = true, e.rewound = true; }, recreated},
      {"no leader", [](auto& e) { e.leaderless = true, e.end_known = false; }, leaderless},
      {"silent leader", [](auto& e) { e.end_known = false, e.frozen_looks = 9; }, unknown},
      {"first look, long behind", [](auto& e) { e.looks = 1, e.lag_age = seconds(100); }, unknown},
      {"first look, nobody there",
       [](auto& e) { e.looks = 1, e.lag_age = seconds(100), e.has_members = false; }, stopped},
      {"first look, a little behind", [](auto& e) { e.looks = 1; }, ok},
  };
  for (const auto& one : cases) {
    auto evidence = waiting();
    one.change(evidence);
    EXPECT_EQ(name(judge(evidence)), name(one.status)) << one.what;
  }
}

TEST(ConsumerStatus, NamesGoBothWays) {
  for (std::size_t i = 0; i < kConsumerStatuses; ++i) {
    const auto status = static_cast<ConsumerStatus>(i);
    EXPECT_EQ(consumer_status(name(status)), status);
    ConsumerRow row;
    row.status = status;
    EXPECT_FALSE(describe(row).empty());
  }
  EXPECT_FALSE(consumer_status("fine"));
}

}  // namespace
}  // namespace qw::signals
