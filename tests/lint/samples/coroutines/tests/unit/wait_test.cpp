void waits() {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::this_thread::sleep_for(10ms);
  std::this_thread::sleep_for(std::chrono::milliseconds(21));  // BAD
  std::this_thread::sleep_for(1s);  // BAD
  std::this_thread::sleep_for(std::chrono::seconds{2});  // BAD
  ::usleep(5);  // BAD
  co_await async::sleep(5s);
}
