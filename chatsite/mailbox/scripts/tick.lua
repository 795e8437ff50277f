-- Advances the clock of a model, which runs only while a worker serves it. Any number of
-- keepers call this in every sweep. The time between two calls counts once; a longer gap
-- (no worker, or a power cut) does not count.
local clock, gap = key('clock', ARGV[1]), tonumber(ARGV[2])
local got = redis.call('HMGET', clock, 'seconds', 'seen')
local seconds, time = tonumber(got[1] or '0'), now()
if got[2] and time - tonumber(got[2]) < gap then
  seconds = seconds + time - tonumber(got[2])
end
redis.call('HSET', clock, 'seconds', string.format('%.3f', seconds),
  'seen', string.format('%.3f', time))
return 1
