#include <boost/asio/co_spawn.hpp>
// co_spawn is at home here, and "detached" in a comment or a text is no finding.
void spawn() { co_spawn(executor, task(), asio::bind_cancellation_slot(slot, done)); }
const char* text = "detached std::regex getaddrinfo";
auto wrong = asio::detached;  // BAD
auto pause = co_await async::sleep(20ms);
