#include "daemon/model/page_layout.hpp"

#include <gtest/gtest.h>

namespace qw {
namespace {

constexpr MetricFamily kLeaders{"quorumwatch_leaders", MetricType::gauge, "Leaders.", ""};
constexpr MetricFamily kClaim{"quorumwatch_leader_claim", MetricType::gauge, "Claims.", "member"};

std::vector<std::string> lines_of(const PageLayout& layout, const PageLayout::Run& run,
                                  std::span<const Sample> samples) {
  std::vector<std::string> out;
  std::size_t at = run.prefix_begin;
  for (auto i = run.begin; i < run.end; ++i) {
    const auto& line = layout.lines()[i];
    out.push_back(std::string(layout.prefixes().substr(at, line.prefix_end - at)) +
                  std::to_string(static_cast<int>(samples[line.sample].value)));
    at = line.prefix_end;
  }
  return out;
}

TEST(PageLayout, BringsTheLinesOfAFamilyTogetherInTheirOrder) {
  Samples samples("etcd", "t");
  samples.add(kClaim, 1, {{"member", "a"}});
  samples.add(kLeaders, 7);
  samples.add(kClaim, 2, {{"member", "b"}});
  const auto taken = samples.take();
  const auto layout = samples.layout();
  ASSERT_EQ(layout->runs().size(), 2U);
  EXPECT_EQ(layout->runs()[0].family, &kClaim);
  EXPECT_EQ(lines_of(*layout, layout->runs()[0], taken),
            (std::vector<std::string>{R"(quorumwatch_leader_claim{member="a",system="etcd",target="t"} 1)",
                                      R"(quorumwatch_leader_claim{member="b",system="etcd",target="t"} 2)"}));
  EXPECT_EQ(lines_of(*layout, layout->runs()[1], taken),
            (std::vector<std::string>{R"(quorumwatch_leaders{system="etcd",target="t"} 7)"}));
}

TEST(PageLayout, IsSharedByRoundsThatReportTheSameSeriesAndByNoOther) {
  Samples samples("etcd", "t");
  const auto round = [&samples](std::initializer_list<std::string_view> members) {
    for (const auto member : members) samples.add(kClaim, 1, {{"member", member}});
    samples.take();
    return samples.layout();
  };
  const auto first = round({"a", "b"});
  EXPECT_EQ(round({"a", "b"}), first);
  const auto other_order = round({"b", "a"});
  EXPECT_NE(other_order, first);
  EXPECT_NE(round({"b"}), other_order);
  EXPECT_EQ(round({})->size(), 0U);
}

TEST(PageLayout, TakesTextOverFromTheLayoutBeforeAndIsAsIfMadeAnew) {
  Samples samples("etcd", "t");
  std::vector<std::string> members;
  for (int i = 0; i < 60; ++i) members.push_back("m" + std::to_string(i));
  const auto round = [&](std::size_t first, std::size_t last, std::size_t left_out) {
    for (std::size_t i = first; i < last; ++i) {
      if (i != left_out) samples.add(kClaim, static_cast<double>(i), {{"member", members[i]}});
      samples.add(kLeaders, 1, {{"member", members[i]}});
    }
    return samples.take();
  };
  round(10, 50, 60);
  // One gone, some new before and after, and more gone than is looked for.
  struct Span {
    std::size_t first, last, left_out;
  };
  for (const auto& [first, last, left_out] : {Span{10, 50, 20}, Span{0, 60, 60}, Span{30, 60, 60}}) {
    const auto taken = round(first, last, left_out);
    const auto layout = samples.layout();
    ASSERT_TRUE(layout->is_of(taken));
    const PageLayout anew(taken);
    EXPECT_EQ(layout->prefixes(), anew.prefixes());
    EXPECT_EQ(lines_of(*layout, layout->runs()[0], taken), lines_of(anew, anew.runs()[0], taken));
  }
}

}  // namespace
}  // namespace qw
