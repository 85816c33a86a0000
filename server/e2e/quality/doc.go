// Package quality holds the test that measures what the phone's "blurred, take
// it again" and "too dark" are worth, on photos that the project draws itself:
// out of focus, shaken, under- and overexposed, noisy. The thresholds of
// fieldwork are held to it. It contains nothing but that test.
package quality
