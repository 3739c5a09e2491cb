#include "probes/network/train.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace qw::probes {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::uint32_t kFirst = 4'000'000'000;  // wraps within a long story

/// A book, a clock and a reflector that counts what arrives.
class Story {
 public:
  explicit Story(bool counting = true) : counting_(counting) {}

  std::uint32_t send() {
    now_ += milliseconds(20);
    const auto sequence = book.plan(SteadyTime(now_));
    book.sent(sequence, at(now_ + microseconds(100)), at(now_ + microseconds(110)));
    book.transmitted(sequence, wall(now_ + microseconds(105)));
    return sequence;
  }
  /// The packet arrives at the reflector, which holds its answer for so long.
  Reflected arrive(std::uint32_t sequence, Nanoseconds held = microseconds(500)) {
    const WallTime there = wall(now_ + microseconds(200)) + hours(3);
    return {.received = there, .sent = there + held, .sequence = counting_ ? count_++ : sequence};
  }
  std::optional<Returned> answer(std::uint32_t sequence, const Reflected& reflected) {
    const auto came = now_ + microseconds(300) + (reflected.sent - reflected.received);
    return book.answered(sequence, {.kernel = wall(came), .read = at(came + milliseconds(1)), .empty_at = {}},
                         reflected);
  }
  std::optional<Returned> round_trip() {
    const auto sequence = send();
    return answer(sequence, arrive(sequence));
  }
  void lose_forward() { send(); }
  void lose_backward() { arrive(send()); }
  PacketTrain end() {
    auto train = book.end(SteadyTime(now_));
    book.begin();
    return train;
  }
  void restart_reflector() { count_ = 0; }

  TrainBook book{kFirst};

 private:
  static WallTime wall(Nanoseconds since) { return WallTime(hours(480'000) + since); }
  static net::Instant at(Nanoseconds since) {
    return {.steady = SteadyTime(since), .wall = wall(since), .raw = since, .width = Nanoseconds(50)};
  }
  bool counting_;
  Nanoseconds now_ = hours(1);
  std::uint32_t count_ = 0;
};

TEST(TrainBook, TheTimeThatThePeerHeldAPacketIsNotTheNetworks) {
  Story story;
  const auto sequence = story.send();
  const auto returned = story.answer(sequence, story.arrive(sequence, milliseconds(4)));
  ASSERT_TRUE(returned);
  EXPECT_EQ(returned->value, microseconds(195));
  EXPECT_EQ(returned->reflected->sent - returned->reflected->received, milliseconds(4));
  EXPECT_EQ(returned->send_lag, microseconds(105));
  EXPECT_LT(returned->error, microseconds(54)) << "50 us of it for what the peer can not stamp";
}

TEST(TrainBook, ASecondWordTakesAwayWhatThePeerNeededToSend) {
  Story story;
  const auto sequence = story.send();
  const auto first_word = story.arrive(sequence, milliseconds(4));
  const auto returned = story.answer(sequence, first_word);
  ASSERT_TRUE(returned);
  auto corrected = *returned;
  correct(corrected, {.sequence = 0, .sent = first_word.sent + microseconds(30)});
  EXPECT_EQ(corrected.value, microseconds(165));
  EXPECT_EQ(corrected.error, returned->error - microseconds(30)) << "20 us are left for the stamps";
  EXPECT_EQ(corrected.reflected->sent, first_word.sent + microseconds(30));
  auto again = corrected;
  correct(again, {.sequence = 0, .sent = first_word.sent + microseconds(60)});
  EXPECT_EQ(again.value, corrected.value) << "one second word is enough";
  for (const Nanoseconds wrong : {Nanoseconds(hours(1)), Nanoseconds(hours(-1)),
                                  Nanoseconds(microseconds(-5)), Nanoseconds(microseconds(250))}) {
    auto same = *returned;
    correct(same, {.sequence = 0, .sent = first_word.sent + wrong});
    EXPECT_EQ(same.value, returned->value)
        << "the peer's clock was set meanwhile, or it says what is not true";
    EXPECT_EQ(same.error, returned->error);
  }
}

TEST(TrainBook, TellsWhenTheLostPacketsWereSent) {
  Story story;
  story.round_trip();
  story.lose_forward();
  story.round_trip();
  story.lose_backward();
  const auto train = story.end();
  ASSERT_EQ(train.lost_at.size(), 2U);
  EXPECT_EQ(train.lost_at[1] - train.lost_at[0], milliseconds(40));
  EXPECT_GE(train.last_sent, train.lost_at[1]);
  story.round_trip();
  EXPECT_TRUE(story.end().lost_at.empty());
}

TEST(TrainBook, LossesAreNamedByDirection) {
  Story story;
  story.lose_forward();
  story.lose_backward();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(story.round_trip());
  story.lose_backward();
  story.lose_backward();
  story.round_trip();
  const auto train = story.end();
  EXPECT_EQ(train.sent, 15U);
  EXPECT_EQ(train.received, 11U);
  EXPECT_EQ(train.lost_forward, 1U);
  EXPECT_EQ(train.lost_backward, 3U);
}

TEST(TrainBook, LossesAtTheEndComeToLightWithTheNextTrain) {
  Story story;
  story.round_trip();
  story.lose_forward();
  story.lose_backward();
  auto train = story.end();
  EXPECT_EQ(train.lost_forward, 0U);
  EXPECT_EQ(train.lost_backward, 0U);
  story.round_trip();
  train = story.end();
  EXPECT_EQ(train.sent, 1U);
  EXPECT_EQ(train.lost_forward, 1U);
  EXPECT_EQ(train.lost_backward, 1U);
}

TEST(TrainBook, WithoutAnyAnswerTheDirectionIsUnknown) {
  Story story;
  story.round_trip();
  story.end();
  for (int i = 0; i < 10; ++i) story.lose_backward();
  const auto blackout = story.end();
  EXPECT_EQ(blackout.received, 0U);
  EXPECT_FALSE(blackout.lost_forward);
  story.round_trip();
  const auto after = story.end();
  EXPECT_EQ(after.lost_forward, 0U);
  EXPECT_EQ(after.lost_backward, 10U);
}

TEST(TrainBook, AReflectorThatDoesNotCountTellsNoDirection) {
  Story story(false);
  story.round_trip();
  story.lose_forward();
  story.round_trip();
  const auto train = story.end();
  EXPECT_EQ(train.sent - train.received, 1U);
  EXPECT_FALSE(train.lost_forward);
  EXPECT_FALSE(train.lost_backward);
}

TEST(TrainBook, ARestartedReflectorTellsNoDirectionOnce) {
  Story story;
  for (int i = 0; i < 5; ++i) story.round_trip();
  story.end();
  story.restart_reflector();
  story.round_trip();
  EXPECT_FALSE(story.end().lost_forward);
  story.lose_forward();
  story.round_trip();
  EXPECT_EQ(story.end().lost_forward, 1U);
}

TEST(TrainBook, CountsDuplicatesReorderingAndLateAnswers) {
  Story story;
  const auto slow = story.send();
  const auto held_up = story.arrive(slow);
  story.end();
  const auto a = story.send();
  const auto b = story.send();
  const auto from_a = story.arrive(a);
  const auto from_b = story.arrive(b);
  EXPECT_TRUE(story.answer(b, from_b));
  EXPECT_TRUE(story.answer(a, from_a));
  EXPECT_FALSE(story.answer(a, from_a));
  EXPECT_FALSE(story.answer(slow, held_up));
  EXPECT_FALSE(story.answer(slow, held_up));
  EXPECT_FALSE(story.answer(slow - 1, held_up)) << "never sent";
  EXPECT_FALSE(story.answer(b + 1, held_up)) << "not sent yet";
  const auto train = story.end();
  EXPECT_EQ(train.received, 2U);
  EXPECT_EQ(train.duplicates, 2U);
  EXPECT_EQ(train.reordered, 1U);
  EXPECT_EQ(train.late, 1U);
  EXPECT_EQ(train.lost_forward, 0U);
  EXPECT_EQ(train.lost_backward, 0U);
}

TEST(TrainBook, APacketDoubledOnTheWayForwardIsNoLossBackward) {
  Story story;
  const auto a = story.send();
  const auto once = story.arrive(a);
  const auto twice = story.arrive(a);
  EXPECT_TRUE(story.answer(a, once));
  EXPECT_FALSE(story.answer(a, twice));
  story.round_trip();
  const auto train = story.end();
  EXPECT_EQ(train.duplicates, 1U);
  EXPECT_EQ(train.lost_forward, 0U);
  EXPECT_EQ(train.lost_backward, 0U);
}

TEST(TrainBook, AnAnswerAcrossAStepIsReceivedAndDisturbedAndNoRoundTrip) {
  Story story;
  const auto a = story.send();
  auto stepped = story.arrive(a);
  stepped.sent -= hours(1);  // the peer's clock was set back while it held the packet
  EXPECT_FALSE(story.answer(a, stepped));
  const auto train = story.end();
  EXPECT_EQ(train.received, 1U);
  EXPECT_EQ(train.disturbed, 1U);
}

TEST(TrainBook, WhatTheKernelDidNotTakeIsNotLost) {
  Story story;
  story.round_trip();
  story.book.refused(story.book.plan(SteadyTime()));
  story.round_trip();
  const auto train = story.end();
  EXPECT_EQ(train.sent, 2U);
  EXPECT_EQ(train.lost_forward, 0U);
}

TEST(TrainBook, StaysRightWhenTheNumbersWrap) {
  TrainBook book(0xffff'fffe);
  std::vector<std::uint32_t> numbers;
  for (int i = 0; i < 4; ++i) numbers.push_back(book.plan(SteadyTime()));
  EXPECT_EQ(numbers, (std::vector<std::uint32_t>{0xffff'fffe, 0xffff'ffff, 0, 1}));
}

}  // namespace
}  // namespace qw::probes
