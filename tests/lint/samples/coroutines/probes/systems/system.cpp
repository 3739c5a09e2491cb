#include <regex>  // BAD
using namespace boost::asio::experimental::awaitable_operators;  // BAD
Task<Result<Facts>> ask(std::string member, SteadyTime deadline) {
  auto stream = co_await connect(member, deadline);
  if (!stream) co_return std::unexpected(stream.error());
  if (auto reply = co_await stream->read(deadline)) co_return *reply;  // BAD
  while (co_await more()) {  // BAD
  }
  switch (co_await kind()) {  // BAD
  }
  if (ready(  // BAD
      co_await late())) {
  }
  QW_TRY(co_await stream->read(deadline));  // BAD
  for (auto& entry : co_await entries()) use(entry);
  auto lambda = [member](int attempt) -> Task<void> { co_return; };  // BAD
  auto fine = [](std::string text) -> Task<void> { co_return; };
  std::this_thread::sleep_for(std::chrono::milliseconds(1));  // BAD
  ::getaddrinfo(name, nullptr, nullptr, &found);  // BAD
  co_spawn(executor, ask(member, deadline), done);  // BAD
  co_return co_await finish();
}
std::regex pattern;  // BAD
int separated = 1'000'000;
