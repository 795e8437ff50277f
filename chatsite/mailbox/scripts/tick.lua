-- Advances the clock of a model, which runs only while a worker serves it. Any number of
-- keepers call this in every sweep. The time between two calls counts once; a longer gap
-- (no worker, or a power cut) does not count.
local clock, gap = key('clock', ARGV[1]), tonumber(ARGV[2])
local got = redis.call('HMGET', clock, 'seconds', 'seen')
local seconds, seen, time = number(got[1], 0), number(got[2]), now()
if seen and time - seen < gap then seconds = seconds + time - seen end
redis.call('HSET', clock, 'seconds', string.format('%.3f', seconds),
  'seen', string.format('%.3f', time))
return 1
