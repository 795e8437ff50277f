-- Removes entries in any state, with their text. What a worker still writes to them is
-- refused.
for _, id in ipairs(ARGV) do
  if redis.call('EXISTS', key('reply', id)) == 1 then leave_line(id) end
  forget(id)
end
return 1
