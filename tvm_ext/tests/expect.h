/*!
 * \file expect.h
 * \brief Expectations for the C++ tests: a failed one names its line and its text; every test runs.
 */
#ifndef MEMSTOW_TESTS_EXPECT_H_
#define MEMSTOW_TESTS_EXPECT_H_

#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace memstow::testing {

inline int& Failures() {
  static int failures = 0;
  return failures;
}

inline void Expect(bool holds, const char* file, int line, const char* text) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: expected %s\n", file, line, text);
  ++Failures();
}

/*! \brief Whether calling `action` throws an exception whose message contains `part`. */
template <typename Action>
bool Throws(Action action, const std::string& part) {
  try {
    action();
  } catch (const std::exception& error) {
    return std::string(error.what()).find(part) != std::string::npos;
  }
  return false;
}

/*! \brief Run named tests; the process's exit code. */
inline int Run(const std::vector<std::pair<const char*, std::function<void()>>>& tests) {
  for (const auto& [name, test] : tests) {
    const int before = Failures();
    test();
    std::printf("%s %s\n", Failures() == before ? "ok  " : "FAIL", name);
  }
  return Failures() == 0 ? 0 : 1;
}

}  // namespace memstow::testing

#define EXPECT(condition) ::memstow::testing::Expect((condition), __FILE__, __LINE__, #condition)

#endif  // MEMSTOW_TESTS_EXPECT_H_
