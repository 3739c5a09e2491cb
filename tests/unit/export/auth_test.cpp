#include "daemon/export/auth.hpp"

#include <crypt.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

namespace qw::exporting {
namespace {

using Verdict = BasicAuth::Verdict;

std::string bcrypt(const std::string& password) {
  crypt_data scratch{};
  return ::crypt_r(password.c_str(), "$2y$04$abcdefghijklmnopqrstuu", &scratch);
}

std::string basic(std::string_view text) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out = "Basic ";
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k > text.size() ? '=' : kAlphabet[bits >> (18 - 6 * k) & 63];
  }
  return out;
}

class BasicAuthTest : public testing::Test {
 protected:
  BasicAuthTest() {
    std::vector<BasicAuthUser> users;
    users.push_back({"alice", bcrypt("open sesame")});
    users.push_back({"bob", bcrypt("a:b")});
    auth_.set_users(std::move(users));
  }
  std::vector<Verdict> check_all(const std::vector<std::string>& authorizations,
                                 const std::string& ip = "10.0.0.1") {
    asio::io_context io(1);
    std::vector<Verdict> verdicts(authorizations.size(), Verdict::busy);
    async::TaskGroup tasks(io.get_executor(),
                           [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
    for (std::size_t i = 0; i < authorizations.size(); ++i)
      tasks.spawn("check", carry(authorizations[i], ip, verdicts[i]));
    io.run();
    return verdicts;
  }
  Verdict check(const std::string& authorization, const std::string& ip = "10.0.0.1") {
    return check_all({authorization}, ip).front();
  }
  Task<void> carry(std::string authorization, std::string ip, Verdict& into) {
    into = co_await auth_.check(std::move(authorization), std::move(ip), now_);
  }

  async::WorkerPool pool_{2};
  BasicAuth auth_{pool_};
  SteadyTime now_{std::chrono::seconds(1000)};
};

TEST_F(BasicAuthTest, LetsInWhoKnowsThePassword) {
  struct Case {
    std::string authorization;
    Verdict verdict;
  };
  const std::vector<Case> cases{{basic("alice:open sesame"), Verdict::good},
                                {basic("bob:a:b"), Verdict::good},
                                {"basic" + basic("alice:open sesame").substr(5), Verdict::good},
                                {basic("alice:open sesam"), Verdict::bad},
                                {basic("alice:a:b"), Verdict::bad},
                                {basic("Alice:open sesame"), Verdict::bad},
                                {basic("carol:open sesame"), Verdict::bad},
                                {basic("alice"), Verdict::bad},
                                {basic(":"), Verdict::bad},
                                {"", Verdict::bad},
                                {"Basic", Verdict::bad},
                                {"Basic !!!!", Verdict::bad},
                                {"Basic YQ", Verdict::bad},
                                {"Basic ====", Verdict::bad},
                                {"Bearer abc", Verdict::bad}};
  for (const auto& c : cases) {
    now_ += std::chrono::seconds(10);
    EXPECT_EQ(check(c.authorization), c.verdict) << c.authorization;
    EXPECT_EQ(check(c.authorization), c.verdict) << "again: " << c.authorization;
  }
}

TEST_F(BasicAuthTest, WithoutUsersEverybodyIsLetIn) {
  auth_.set_users({});
  EXPECT_EQ(check(""), Verdict::good);
}

TEST_F(BasicAuthTest, AnAddressThatFailsFiveTimesASecondHasToWait) {
  const auto verdicts = check_all(std::vector<std::string>(8, basic("alice:wrong")));
  EXPECT_EQ(std::ranges::count(verdicts, Verdict::bad), 5);
  EXPECT_EQ(std::ranges::count(verdicts, Verdict::too_many), 3);
  EXPECT_EQ(check(basic("alice:open sesame")), Verdict::too_many) << "or the answer would tell";
  EXPECT_EQ(check(basic("alice:open sesame"), "10.0.0.2"), Verdict::good) << "others are not held up";
  EXPECT_EQ(check(basic("alice:open sesame")), Verdict::good) << "what is remembered costs no check";
  now_ += std::chrono::milliseconds(250);
  EXPECT_EQ(check(basic("bob:wrong")), Verdict::bad);
  EXPECT_EQ(check(basic("bob:wrong")), Verdict::too_many);
}

TEST_F(BasicAuthTest, GoodAnswersAreFree) {
  const auto verdicts = check_all(std::vector<std::string>(5, basic("alice:open sesame")));
  EXPECT_EQ(std::ranges::count(verdicts, Verdict::good), 5);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(check(basic("alice:open sesame")), Verdict::good);
}

TEST_F(BasicAuthTest, AChangedPasswordIsNoLongerRemembered) {
  EXPECT_EQ(check(basic("alice:open sesame")), Verdict::good);
  std::vector<BasicAuthUser> users;
  users.push_back({"alice", bcrypt("new")});
  auth_.set_users(std::move(users));
  EXPECT_EQ(check(basic("alice:open sesame")), Verdict::bad);
  EXPECT_EQ(check(basic("alice:new")), Verdict::good);
}

TEST_F(BasicAuthTest, ABrokenHashLetsNobodyIn) {
  for (const auto* hash : {"", "*0", "*1", "plain", "$2y$04$", "$2y$04$abcdefghijklmnopqrstuu"}) {
    std::vector<BasicAuthUser> users;
    users.push_back({"alice", hash});
    auth_.set_users(std::move(users));
    now_ += std::chrono::seconds(10);
    EXPECT_EQ(check(basic("alice:plain")), Verdict::bad) << hash;
    EXPECT_EQ(check(basic("alice:")), Verdict::bad) << hash;
  }
}

}  // namespace
}  // namespace qw::exporting
